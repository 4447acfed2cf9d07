package gguf

import (
	"bytes"
	"fmt"
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// Header is what stands before the data of a file. Offsets count from the
// beginning of the file.
type Header struct {
	Version   int
	BigEndian bool
	Alignment int64 // of the data, which may not be what the metadata say
	KVs       []KV
	Tensors   []Tensor

	// The metadata as stored are the bytes from KVFrom to KVTo. The tensors'
	// descriptions follow, and after padding the data.
	KVFrom, KVTo, Data int64

	shown []model.KeyValue // KVs as metadata of a model
	split split
}

// KV is an entry of the metadata.
type KV struct {
	Key             string
	Type            Type
	From, Value, To int64 // where the entry begins, where its value does, and where both end
}

// Tensor is the description of a tensor.
type Tensor struct {
	Name   string
	DType  *model.DType
	Shape  []int // outermost dimension first
	Offset int64 // of its data

	at int // of its description
}

// ReadHeader reads and checks the header of f.
func ReadHeader(f *model.File) (*Header, error) {
	var h *Header
	err := f.View(0, min(f.Size(), maxHeader), func(b []byte) (err error) {
		h, err = parse(&scanner{file: f.Name(), size: f.Size(), b: b})
		return err
	})
	if err != nil {
		return nil, err
	}
	return h, nil
}

// parse reads the header that s holds. Of its bytes nothing is kept.
func parse(s *scanner) (*Header, error) {
	h := &Header{Alignment: defaultAlignment}
	if err := h.parseVersion(s); err != nil {
		return nil, err
	}
	tensorsAt := s.pos
	tensors, err := s.count()
	if err != nil {
		return nil, err
	}
	kvsAt := s.pos
	kvs, err := s.count()
	switch {
	case err != nil:
		return nil, err
	case tensors > maxTensors:
		return nil, s.fail(tensorsAt, ruleMany, "%d, at most %d", tensors, maxTensors)
	case kvs > maxKVs:
		return nil, s.fail(kvsAt, ruleManyKVs, "%d, at most %d", kvs, maxKVs)
	}
	if err := h.parseKVs(s, int(kvs)); err != nil {
		return nil, err
	}
	if err := h.parseTensors(s, int(tensors)); err != nil {
		return nil, err
	}
	return h, h.place(s)
}

// The first bytes of a file, and those of one whose writer stored them as a
// big-endian number.
var magic, magicTurned = []byte("GGUF"), []byte("FUGG")

// parseVersion reads the magic and the version, which is how a file tells its
// byte order: numbers stay below 2^16.
func (h *Header) parseVersion(s *scanner) error {
	b, err := s.take(uint64(len(magic)))
	switch {
	case err != nil:
		return err
	case bytes.Equal(b, magicTurned):
		s.big = true
	case !bytes.Equal(b, magic):
		return s.fail(0, ruleMagic, "%.4q", b)
	}
	version, err := s.u32()
	if err != nil {
		return err
	}
	if version&0xffff == 0 && !s.big {
		s.big = true
		s.pos = len(magic)
		version, _ = s.u32() // it was read before
	}
	if version < 1 || version > 3 {
		return s.fail(len(magic), ruleVersion, "%d", version)
	}
	h.Version, h.BigEndian, s.short = int(version), s.big, version == 1
	return nil
}

const (
	alignmentKey     = "general.alignment"
	defaultAlignment = 32
)

func (h *Header) parseKVs(s *scanner, n int) error {
	h.KVFrom = int64(s.pos)
	seen := map[string]struct{}{}
	for range n {
		kv := KV{From: int64(s.pos)}
		key, err := s.name()
		if err != nil {
			return err
		}
		if _, twice := seen[key]; twice {
			return s.fail(int(kv.From), ruleDuplicate, "%q in the metadata", key)
		}
		if key == "" {
			return s.fail(int(kv.From), ruleKey, "the entry after %d others", len(h.KVs))
		}
		seen[key] = struct{}{}
		number, err := s.u32()
		if err != nil {
			return inside(fmt.Sprintf("key %q", key), err)
		}
		kv.Key, kv.Type, kv.Value = key, Type(number), int64(s.pos)
		if err := s.skip(kv.Type, 0); err != nil {
			return inside(fmt.Sprintf("key %q", key), err)
		}
		kv.To = int64(s.pos)
		h.KVs = append(h.KVs, kv)
		h.shown = append(h.shown, s.keyValue(kv))
		s.pos = int(kv.To)
		if err := h.understand(s, kv); err != nil {
			return err
		}
	}
	h.KVTo = int64(s.pos)
	return nil
}

// understand takes out of an entry of the metadata what the reader itself has
// to know.
func (h *Header) understand(s *scanner, kv KV) error {
	var whole uint64
	if size := valueTypes[kv.Type].size; size > 0 {
		whole = littleEndian(s.b[kv.Value:kv.To], s.big)
	}
	switch kv.Key {
	case alignmentKey:
		power := whole&(whole-1) == 0
		if kv.Type != Uint32 || whole == 0 || !power && whole%8 != 0 {
			return s.fail(int(kv.Value), ruleAlignment, "%s %q", kv.Type, h.shown[len(h.shown)-1].Value)
		}
		h.Alignment = int64(whole)
	case "split.no":
		h.split.number = whole
	case "split.count":
		h.split.files = whole
	case "split.tensors.count":
		h.split.tensors, h.split.counted = whole, true
	}
	return nil
}

// inside adds to err which part of the header it concerns.
func inside(what string, err error) error {
	if broken, ok := err.(*model.Error); ok { //nolint:errorlint // the scanner makes no other
		broken.Found = what + ": " + broken.Found
	}
	return err
}

func (h *Header) parseTensors(s *scanner, n int) error {
	seen := make(map[string]struct{}, min(n, (len(s.b)-s.pos)/leastTensor))
	for range n {
		t := Tensor{at: s.pos}
		name, err := s.name()
		if err != nil {
			return err
		}
		if _, twice := seen[name]; twice {
			return s.fail(t.at, ruleDuplicate, "tensor %q", name)
		}
		seen[name] = struct{}{}
		t.Name = name
		if err := t.parse(s); err != nil {
			return inside(fmt.Sprintf("tensor %q", name), err)
		}
		h.Tensors = append(h.Tensors, t)
	}
	return nil
}

// leastTensor is how short the description of a tensor can be.
const leastTensor = 4 + 4 + 4 + 8

// parse reads what follows the name. Offset becomes what the file says, from
// where the data begin.
func (t *Tensor) parse(s *scanner) error {
	at := s.pos
	dims, err := s.u32()
	if err != nil {
		return err
	}
	if dims > maxDims {
		return s.fail(at, ruleDims, "%d, at most %d", dims, maxDims)
	}
	t.Shape = make([]int, dims)
	for i := range t.Shape {
		at := s.pos
		d, err := s.count()
		if err != nil {
			return err
		}
		if d > math.MaxInt {
			return s.fail(at, ruleOverflow, "dimension %d", d)
		}
		t.Shape[len(t.Shape)-1-i] = int(d) // the file has the innermost first
	}
	at = s.pos
	number, err := s.u32()
	if err != nil {
		return err
	}
	if t.DType = dtypes[number]; t.DType == nil {
		return s.fail(at, ruleType, "%d", number)
	}
	at = s.pos
	offset, err := s.u64()
	if err != nil {
		return err
	}
	if offset > uint64(s.size) {
		return s.fail(at, ruleOutside, "%d bytes after the header, the file has %d", offset, s.size)
	}
	t.Offset = int64(offset)
	return nil
}
