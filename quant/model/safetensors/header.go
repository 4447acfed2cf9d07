package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

const (
	lengthBytes = 8              // of the length that precedes the header
	metadataKey = "__metadata__" // in place of a tensor's name
)

// header is what the header of a file says, copied out of the file.
type header struct {
	file     string
	begin    int64 // where the data begin in the file
	data     int64 // bytes of them
	entries  []entry
	shapes   []int  // of all entries, one after the other
	names    string // likewise
	metadata []model.KeyValue
}

// entry is the description of a tensor.
type entry struct {
	at                 int32 // of its name, from the beginning of the header
	nameFrom, nameTo   int32 // in names
	shapeFrom, shapeTo int32 // in shapes
	dtype              *model.DType
	from, to           int64 // data_offsets
}

// read returns the tensors of f, in the order of their data, and the metadata.
func read(f *model.File) ([]*model.Tensor, []model.KeyValue, error) {
	n, err := headerLength(f)
	if err != nil {
		return nil, nil, err
	}
	h := &header{file: f.Name(), begin: lengthBytes + n, data: f.Size() - lengthBytes - n}
	if err := f.View(lengthBytes, n, h.parse); err != nil {
		return nil, nil, err
	}
	if err := h.checkNames(); err != nil {
		return nil, nil, err
	}
	if err := h.checkLayout(); err != nil {
		return nil, nil, err
	}
	tensors := make([]*model.Tensor, len(h.entries))
	for i := range h.entries {
		e := &h.entries[i]
		tensors[i], err = model.NewTensor(h.name(e), e.dtype, h.shape(e), f, h.begin+e.from)
		if err != nil {
			return nil, nil, err
		}
	}
	return tensors, h.metadata, nil
}

// headerLength reads the length of the header and holds it against the file.
func headerLength(f *model.File) (int64, error) {
	broken := func(rule, format string, args ...any) error {
		return &model.Error{File: f.Name(), Offset: 0, Rule: rule, Found: fmt.Sprintf(format, args...)}
	}
	if f.Size() < lengthBytes {
		return 0, broken(ruleNoLength, "%d bytes", f.Size())
	}
	var n uint64
	err := f.View(0, lengthBytes, func(b []byte) error {
		n = binary.LittleEndian.Uint64(b)
		return nil
	})
	switch {
	case err != nil:
		return 0, err
	case n > uint64(f.Size()-lengthBytes):
		return 0, broken(rulePastEnd, "%d bytes, the file has %d", n, f.Size())
	case n > maxHeader:
		return 0, broken(ruleTooLong, "%d bytes, at most %d", n, maxHeader)
	}
	return int64(n), nil
}

// parse reads the JSON b of the header. Of b it keeps nothing.
func (h *header) parse(b []byte) error {
	s := &scanner{file: h.file, base: lengthBytes, b: b}
	if len(b) == 0 || b[0] != '{' {
		return s.expected(ruleBrace, "'{'")
	}
	most := min(bytes.Count(b, []byte(`"dtype"`)), maxTensors) // as many are expected
	h.entries = make([]entry, 0, most)
	h.shapes = make([]int, 0, 2*most)
	names := make([]byte, 0, min(len(b), 16*most))
	described := false
	err := s.object(ruleJSON, func(key []byte, at int) error {
		if string(key) == metadataKey {
			if described {
				return s.fail(at, ruleDuplicate, metadataKey)
			}
			described = true
			return h.parseMetadata(s)
		}
		if len(h.entries) == maxTensors {
			return s.fail(at, ruleTooMany, "at most %d", maxTensors)
		}
		from := len(names)
		names = append(names, key...)
		h.entries = append(h.entries, entry{at: int32(at), nameFrom: int32(from), nameTo: int32(len(names))})
		if err := h.parseTensor(s, &h.entries[len(h.entries)-1]); err != nil {
			return inTensor(names[from:], err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.names = string(names)
	return s.end()
}

// inTensor adds to err which tensor it concerns.
func inTensor(name []byte, err error) error {
	if broken := (*model.Error)(nil); errors.As(err, &broken) {
		broken.Found = fmt.Sprintf("tensor %.64q: %s", name, broken.Found)
	}
	return err
}

// parseMetadata reads the free-form part of the header.
func (h *header) parseMetadata(s *scanner) error {
	if s.space() == 'n' && s.word("null") { // the reference takes it for absent
		return nil
	}
	seen := map[string]bool{}
	return s.object(ruleMetadata, func(key []byte, at int) error {
		k := string(key)
		if err := model.CheckName(h.file, lengthBytes+int64(at), k); err != nil {
			return err
		}
		if seen[k] {
			return s.fail(at, ruleDuplicate, "%q in "+metadataKey, k)
		}
		seen[k] = true
		value, err := s.string(ruleMetadata)
		h.metadata = append(h.metadata, model.KeyValue{Key: k, Value: string(value)})
		return err
	})
}

// fields are what the description of a tensor consists of.
var fields = [...]string{"dtype", "shape", "data_offsets"}

// parseTensor reads the description of a tensor into e. Fields that the format
// does not have are skipped, as the reference does.
func (h *header) parseTensor(s *scanner, e *entry) error {
	var seen [len(fields)]bool
	err := s.object(ruleTensor, func(key []byte, at int) error {
		field := 0
		for field < len(fields) && string(key) != fields[field] {
			field++
		}
		if field < len(fields) && seen[field] {
			return s.fail(at, ruleDuplicate, "%s of one tensor", fields[field])
		}
		switch field {
		case 0:
			seen[0] = true
			return e.parseDType(s)
		case 1:
			seen[1] = true
			return h.parseShape(s, e)
		case 2:
			seen[2] = true
			return e.parseOffsets(s, h.data)
		}
		return s.skip(maxDepth)
	})
	if err != nil {
		return err
	}
	for i, there := range seen {
		if !there {
			return s.fail(int(e.at), ruleTensor, "%s is missing", fields[i])
		}
	}
	return nil
}

// dtypes finds the element types by name.
var dtypes = func() map[string]*model.DType {
	byName := map[string]*model.DType{}
	for _, d := range readable {
		byName[d.Name] = d
	}
	return byName
}()

var readable = slices.Concat(model.DTypes, model.Narrow)

func (e *entry) parseDType(s *scanner) error {
	s.space()
	at := s.pos
	name, err := s.string(ruleDType)
	if err != nil {
		return err
	}
	if e.dtype = dtypes[string(name)]; e.dtype == nil {
		return s.fail(at, ruleDType, "%.64q is none of %v", name, readable)
	}
	return nil
}

func (h *header) parseShape(s *scanner, e *entry) error {
	e.shapeFrom = int32(len(h.shapes)) // a header has fewer bytes than that
	err := s.array(ruleShape, func() error {
		at := s.pos
		d, err := s.whole(ruleShape)
		if err != nil {
			return err
		}
		if d > math.MaxInt {
			return s.fail(at, ruleOverflow, "dimension %d", d)
		}
		if len(h.shapes)-int(e.shapeFrom) == maxDims {
			return s.fail(at, ruleDims, "at most %d", maxDims)
		}
		h.shapes = append(h.shapes, int(d))
		return nil
	})
	e.shapeTo = int32(len(h.shapes))
	return err
}

func (e *entry) parseOffsets(s *scanner, data int64) error {
	s.space()
	at, n := s.pos, 0
	err := s.array(ruleOffsets, func() (err error) {
		e.from = e.to
		e.to, err = s.whole(ruleOffsets)
		n++
		return err
	})
	switch {
	case err != nil:
		return err
	case n != 2:
		return s.fail(at, ruleOffsets, "%d numbers", n)
	case e.to < e.from:
		return s.fail(at, ruleReversed, "from %d to %d", e.from, e.to)
	case e.to > data:
		return s.fail(at, ruleOffsetsEnd, "up to %d, %d bytes follow the header", e.to, data)
	}
	return nil
}

func (h *header) name(e *entry) string { return h.names[e.nameFrom:e.nameTo] }
func (h *header) shape(e *entry) []int { return h.shapes[e.shapeFrom:e.shapeTo:e.shapeTo] }

// checkNames makes sure that names are fit to be shown and that none occurs
// twice.
func (h *header) checkNames() error {
	seen := make(map[string]struct{}, len(h.entries))
	for i := range h.entries {
		e := &h.entries[i]
		name := h.name(e)
		if err := model.CheckName(h.file, lengthBytes+int64(e.at), name); err != nil {
			return err
		}
		if _, twice := seen[name]; twice {
			return h.broken(e, ruleDuplicate, "in the header")
		}
		seen[name] = struct{}{}
	}
	return nil
}

// checkLayout sorts the entries by their place and makes sure that each has
// the bytes that its shape needs and that together they fill the file.
func (h *header) checkLayout() error {
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	var end int64
	for i := range h.entries {
		e := &h.entries[i]
		n, ok := model.Count(h.shape(e))
		size, fits := e.dtype.Size(n)
		switch {
		case ok && n%e.dtype.Block != 0:
			return h.broken(e, ruleCut, "shape %v of %s", h.shape(e), e.dtype)
		case !ok || !fits:
			return h.broken(e, ruleOverflow, "shape %v of %s", h.shape(e), e.dtype)
		case size != e.to-e.from:
			return h.broken(e, ruleOffsetsSize, "shape %v of %s needs %d bytes, data_offsets span %d", h.shape(e), e.dtype, size, e.to-e.from)
		case e.from < end:
			return h.broken(e, ruleOverlap, "it begins at %d, before %d where another one ends", e.from, end)
		case e.from > end:
			return h.broken(e, ruleHole, "it begins at %d, the one before it ends at %d", e.from, end)
		}
		end = e.to
	}
	if end < h.data {
		return &model.Error{
			File: h.file, Offset: h.begin + end, Rule: ruleTrailing,
			Found: fmt.Sprintf("%d bytes do", h.data-end),
		}
	}
	return nil
}

func (h *header) broken(e *entry, rule, format string, args ...any) error {
	return &model.Error{
		File: h.file, Offset: lengthBytes + int64(e.at), Rule: rule,
		Found: fmt.Sprintf("tensor %q: ", h.name(e)) + fmt.Sprintf(format, args...),
	}
}
