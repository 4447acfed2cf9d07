package torch

import (
	"encoding/binary"
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// magic is PyTorch's number, 0x1950a86a20f9469cfc6c, as the first pickle of an
// old checkpoint holds it.
const magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

const version = 1001

// legacy is a checkpoint in one file: pickles of the magic number, the version,
// the writer's system, the values and the keys of the storages; then, for each
// of these, its length and its numbers, little-endian whatever the system.
type legacy struct {
	machine *machine
	places  map[string]place
}

// addLegacy adds the tensors of the checkpoint f to m.
func addLegacy(m *model.Model, f *model.File) error {
	l := &legacy{machine: newMachine(f.Name()), places: map[string]place{}}
	w := &walker{m: l.machine}
	err := f.View(0, f.Size(), func(b []byte) error {
		l.machine.feed(b, 0)
		if err := l.begin(); err != nil {
			return err
		}
		value, err := l.machine.run()
		if err != nil {
			return err
		}
		if err := w.walk("", value, 0); err != nil {
			return err
		}
		keys, err := l.machine.run()
		if err != nil {
			return err
		}
		return l.findStorages(f, keys)
	})
	if err != nil {
		return err
	}
	return add(m, w.found, false, l.place(f))
}

// begin reads what precedes the values.
func (l *legacy) begin() error {
	number, err := l.machine.run()
	if err != nil {
		return err
	}
	if number != any(long(magic)) {
		return l.machine.fail(ruleMagic, "%s", shown(number))
	}
	number, err = l.machine.run()
	if err != nil {
		return err
	}
	if number != any(int64(version)) {
		return l.machine.fail(ruleVersion, "%s", shown(number))
	}
	_, err = l.machine.run()
	return err
}

// findStorages finds the storages that are listed under keys after the pickles.
func (l *legacy) findStorages(f *model.File, keys any) error {
	listed, ok := keys.(*list)
	if !ok {
		return l.machine.fail(ruleKeys, "%s", shown(keys))
	}
	for _, key := range listed.items {
		k, ok := key.(string)
		if !ok {
			return l.machine.fail(ruleKeys, "%s for a key", shown(key))
		}
		known := l.machine.storages[k]
		if known == nil || known.dtype == nil { // its bytes cannot be counted, nor the next one found
			return l.machine.fail(ruleKeys, "%.80q has no type", k)
		}
		if err := l.storage(f, k, known.dtype.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// storage reads the length of a storage and goes past its numbers.
func (l *legacy) storage(f *model.File, key string, width int) error {
	m := l.machine
	m.at = m.pos
	b, err := m.take(8)
	if err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint64(b))
	size, fits := bytesOf(n, width)
	if !fits || size > int64(len(m.b)-m.pos) {
		return m.fail(ruleStorageSize, "%d times %d bytes, there are %d", n, width, len(m.b)-m.pos)
	}
	l.places[key] = place{f, m.base + int64(m.pos), size}
	m.pos += int(size)
	return m.charge(100)
}

// place finds a storage by its key.
func (l *legacy) place(f *model.File) func(s *storage) (place, error) {
	return func(s *storage) (place, error) {
		p, ok := l.places[s.key]
		if !ok {
			return p, &model.Error{File: f.Name(), Offset: s.at, Rule: ruleNoStorage, Found: fmt.Sprintf("%.80q", s.key)}
		}
		return p, nil
	}
}
