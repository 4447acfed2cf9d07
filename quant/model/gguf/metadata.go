package gguf

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Metadata is what a file that is to be written says about itself: entries in
// order, as version 3 stores them, little-endian.
type Metadata struct {
	entries []stored
}

// stored is an entry with the bytes that it takes in the file.
type stored struct {
	key string
	b   []byte
}

// splitKeys begin the keys by which a file says that it is a part of a split
// model.
const splitKeys = "split."

// CopyMetadata returns the metadata of the files of a model, byte by byte and in
// order: those of the first, then what others have besides. What says that the
// model is split is left out. Files in another byte order, or of version 1, are
// translated.
func CopyMetadata(files []*model.File) (*Metadata, error) {
	m := new(Metadata)
	seen := map[string]bool{}
	for _, f := range files {
		h, err := ReadHeader(f)
		if err != nil {
			return nil, err
		}
		err = f.View(0, h.KVTo, func(b []byte) error {
			s := &scanner{file: f.Name(), size: f.Size(), b: b, big: h.BigEndian, short: h.Version == 1}
			for _, kv := range h.KVs {
				if !strings.HasPrefix(kv.Key, splitKeys) && !seen[kv.Key] {
					seen[kv.Key] = true
					m.entries = append(m.entries, stored{kv.Key, s.translated(kv)})
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// translated returns the bytes of kv, which was checked, in version 3.
func (s *scanner) translated(kv KV) []byte {
	if !s.big && !s.short {
		return slices.Clone(s.b[kv.From:kv.To])
	}
	s.pos = int(kv.Value)
	out := appendKey(nil, kv.Key, kv.Type)
	return s.appendValue(out, kv.Type)
}

// appendValue appends the value of type t that comes next.
func (s *scanner) appendValue(out []byte, t Type) []byte {
	switch t {
	case String:
		b, _ := s.str()
		return append(binary.LittleEndian.AppendUint64(out, uint64(len(b))), b...)
	case Array:
		of, n, _ := s.arrayHead()
		out = binary.LittleEndian.AppendUint32(out, uint32(of))
		out = binary.LittleEndian.AppendUint64(out, n)
		for range n {
			out = s.appendValue(out, of)
		}
		return out
	}
	b, _ := s.take(uint64(valueTypes[t].size))
	at := len(out)
	out = append(out, b...)
	if s.big {
		slices.Reverse(out[at:])
	}
	return out
}

func appendKey(out []byte, key string, t Type) []byte {
	out = binary.LittleEndian.AppendUint64(out, uint64(len(key)))
	out = append(out, key...)
	return binary.LittleEndian.AppendUint32(out, uint32(t))
}

// SetUint32 sets an entry: in the place of the one with the same key, else at the
// end.
func (m *Metadata) SetUint32(key string, value uint32) {
	m.set(key, binary.LittleEndian.AppendUint32(appendKey(nil, key, Uint32), value))
}

// SetString is SetUint32 for text.
func (m *Metadata) SetString(key, value string) {
	b := binary.LittleEndian.AppendUint64(appendKey(nil, key, String), uint64(len(value)))
	m.set(key, append(b, value...))
}

func (m *Metadata) set(key string, b []byte) {
	if i := m.find(key); i >= 0 {
		m.entries[i].b = b
		return
	}
	m.entries = append(m.entries, stored{key, b})
}

// Part returns the metadata of part i, from 0, of n files with that many tensors
// together: the first has all entries, each says what it is part of, as llama.cpp
// has it.
func (m *Metadata) Part(i, n, tensors int) *Metadata {
	part := new(Metadata)
	if i == 0 {
		part.entries = slices.Clone(m.entries)
	} else if at := m.find(alignmentKey); at >= 0 {
		part.entries = []stored{m.entries[at]} // each file is read for itself
	}
	part.set("split.no", binary.LittleEndian.AppendUint16(appendKey(nil, "split.no", Uint16), uint16(i)))
	part.set("split.count", binary.LittleEndian.AppendUint16(appendKey(nil, "split.count", Uint16), uint16(n)))
	part.set("split.tensors.count", binary.LittleEndian.AppendUint32(appendKey(nil, "split.tensors.count", Int32), uint32(tensors)))
	return part
}

// find returns the index of the entry with that key, -1 if there is none.
func (m *Metadata) find(key string) int {
	return slices.IndexFunc(m.entries, func(e stored) bool { return e.key == key })
}

// alignment returns what the metadata say of it.
func (m *Metadata) alignment() int64 {
	if i := m.find(alignmentKey); i >= 0 { // a u32, as was checked when it was read
		b := m.entries[i].b
		return int64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	}
	return defaultAlignment
}
