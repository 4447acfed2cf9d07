package torch

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"github.com/bitdial/bitdial/quant/model"
)

// addTar adds the tensors of the tar archive f to m: in storages a pickle of
// their number and for each one a pickle of (key, device, type), its length and
// its numbers; in pickle the values.
func addTar(m *model.Model, f *model.File) error {
	parts, err := tarParts(f)
	if err != nil {
		return err
	}
	if parts["storages"].file == nil || parts["pickle"].file == nil {
		return &model.Error{File: f.Name(), Offset: model.NoOffset, Rule: ruleTar, Found: fmt.Sprintf("%d members", len(parts))}
	}
	l := &legacy{machine: newMachine(f.Name()), places: map[string]place{}}
	err = l.view(f, parts["storages"], func() error { return l.tarStorages(f) })
	if err != nil {
		return err
	}
	var value any
	err = l.view(f, parts["pickle"], func() (err error) {
		value, err = l.machine.run()
		return err
	})
	if err != nil {
		return err
	}
	w := &walker{m: l.machine}
	if err := w.walk("", value, 0); err != nil {
		return err
	}
	return add(m, w.found, false, l.place(f))
}

// view feeds a part of f to the machine.
func (l *legacy) view(f *model.File, p place, run func() error) error {
	return f.View(p.offset, p.size, func(b []byte) error {
		l.machine.feed(b, p.offset)
		return run()
	})
}

func (l *legacy) tarStorages(f *model.File) error {
	v, err := l.machine.run()
	if err != nil {
		return err
	}
	n, ok := v.(int64)
	if !ok || n < 0 {
		return l.machine.fail(ruleKeys, "%s for their number", shown(v))
	}
	for range n { // each takes bytes, so that their end is the end of this
		v, err := l.machine.run()
		if err != nil {
			return err
		}
		args, _ := v.(tuple)
		if len(args) != 3 {
			return l.machine.fail(ruleStorage, "%s", shown(v))
		}
		key, ok := args[0].(string)
		g, ok2 := args[2].(global)
		dtype := storages[g.String()]
		if !ok || !ok2 || dtype == nil {
			return l.machine.fail(ruleStorage, "%s and %.80q", shown(args[0]), g.String())
		}
		if err := l.storage(f, key, dtype.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// tarParts returns where the members of f are.
func tarParts(f *model.File) (map[string]place, error) {
	parts := map[string]place{}
	position := &counter{file: f}
	archive := tar.NewReader(position)
	for len(parts) < 16 { // four are expected
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if known := (*model.Error)(nil); errors.As(err, &known) {
				return nil, known
			}
			return nil, &model.Error{File: f.Name(), Offset: position.at, Rule: ruleTar, Err: err}
		}
		if h.Typeflag != tar.TypeReg || h.Size < 0 || h.Size > f.Size()-position.at {
			continue
		}
		parts[h.Name] = place{f, position.at, h.Size}
	}
	return parts, nil
}

// counter reads a file from its beginning and knows where it is.
type counter struct {
	file *model.File
	at   int64
}

func (c *counter) Read(p []byte) (int, error) {
	n := min(int64(len(p)), c.file.Size()-c.at)
	if n <= 0 {
		return 0, io.EOF
	}
	err := c.file.View(c.at, n, func(b []byte) error {
		copy(p, b)
		return nil
	})
	c.at += n
	return int(n), err
}

// Seek lets the reader go past the members instead of reading them.
func (c *counter) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.file.Size()
	}
	if offset < 0 || offset > c.file.Size() {
		return 0, io.ErrUnexpectedEOF
	}
	c.at = offset
	return offset, nil
}
