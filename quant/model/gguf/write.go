package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// What the reference reads, which is less than what this package does.
const (
	writtenVersion = 3
	writtenDims    = 4
	writtenName    = 63 // bytes
)

// What a tensor must be to be written.
const (
	ruleNoType      = "GGUF has no such type"
	ruleWrittenDims = "llama.cpp reads tensors of at most 4 dimensions"
	ruleWrittenName = "llama.cpp reads names of at most 63 bytes"
)

// Entry is a tensor to be written.
type Entry struct {
	Name  string
	DType *model.DType
	Shape []int // outermost dimension first
}

// Holds reports whether GGUF has the type d.
func Holds(d *model.DType) bool {
	_, ok := typeNumbers[d]
	return ok
}

// typeNumbers is dtypes the other way.
var typeNumbers = func() map[*model.DType]uint32 {
	numbers := map[*model.DType]uint32{}
	for number, d := range dtypes {
		numbers[d] = number
	}
	return numbers
}()

// Size returns the bytes that [Write] writes for these metadata and entries.
func Size(metadata *Metadata, entries []Entry) (int64, error) {
	l, err := newLayout(metadata, entries)
	if err != nil {
		return 0, err
	}
	return l.size, nil
}

// Write writes a GGUF file of version 3, little-endian, to w: the metadata, then
// the data of each tensor, in the order of entries, which data writes to its w
// when it is called with the tensor's index. Everything is aligned as the metadata
// say, the end of the file too, as the reference has it.
//
// Nothing is written if the file could not be read back: a name that
// [model.CheckName] refuses, that is too long for the reference or occurs twice, a
// type that GGUF has not, a shape that overflows, rows that are not whole blocks.
// A tensor that is not given exactly its bytes is an error, as is whatever w and
// data report.
func Write(w io.Writer, metadata *Metadata, entries []Entry, data func(i int, w io.Writer) error) error {
	l, err := newLayout(metadata, entries)
	if err != nil {
		return err
	}
	if _, err := w.Write(l.head); err != nil {
		return err
	}
	if err := zeros(w, up(int64(len(l.head)), l.alignment)-int64(len(l.head))); err != nil {
		return err
	}
	for i, size := range l.sizes {
		err := model.WriteTensor(w, entries[i].Name, size, func(w io.Writer) error { return data(i, w) })
		if err != nil {
			return err
		}
		if err := zeros(w, up(size, l.alignment)-size); err != nil {
			return err
		}
	}
	return nil
}

// zeros writes n of them.
func zeros(w io.Writer, n int64) error {
	var none [1 << 12]byte
	for n > 0 {
		k, err := w.Write(none[:min(n, int64(len(none)))])
		if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}

// layout is where everything goes.
type layout struct {
	head      []byte  // all that stands before the data, without padding
	sizes     []int64 // of the data, by index
	size      int64   // of the file
	alignment int64
}

func newLayout(metadata *Metadata, entries []Entry) (*layout, error) {
	if len(entries) > maxTensors {
		return nil, fmt.Errorf("%s: %d, at most %d", ruleMany, len(entries), maxTensors)
	}
	l := &layout{alignment: metadata.alignment()}
	l.head = append(l.head, magic...)
	l.head = binary.LittleEndian.AppendUint32(l.head, writtenVersion)
	l.head = binary.LittleEndian.AppendUint64(l.head, uint64(len(entries)))
	l.head = binary.LittleEndian.AppendUint64(l.head, uint64(len(metadata.entries)))
	for _, e := range metadata.entries {
		l.head = append(l.head, e.b...)
	}
	seen := make(map[string]struct{}, len(entries))
	var end int64 // of the data so far, from their beginning
	for _, e := range entries {
		if _, twice := seen[e.Name]; twice {
			return nil, fmt.Errorf("tensor %q: %s", e.Name, ruleDuplicate)
		}
		seen[e.Name] = struct{}{}
		size, err := e.check()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		l.describe(e, end)
		l.sizes = append(l.sizes, size)
		if size > math.MaxInt64-end-maxHeader-2*l.alignment {
			return nil, fmt.Errorf("tensor %q: %s", e.Name, ruleOverflow)
		}
		end += up(size, l.alignment)
	}
	if len(l.head) > maxHeader {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", ruleTooLong, len(l.head), maxHeader)
	}
	l.size = up(int64(len(l.head)), l.alignment) + end
	return l, nil
}

// check returns the bytes of the data of e.
func (e Entry) check() (int64, error) {
	if err := model.CheckName("", model.NoOffset, e.Name); err != nil {
		return 0, err
	}
	n, ok := model.Count(e.Shape)
	size, fits := e.DType.Size(n)
	row := (&Tensor{Shape: e.Shape}).row()
	switch {
	case !Holds(e.DType):
		return 0, fmt.Errorf("%s: %s", ruleNoType, e.DType)
	case len(e.Name) > writtenName:
		return 0, fmt.Errorf("%s: it has %d", ruleWrittenName, len(e.Name))
	case len(e.Shape) > writtenDims:
		return 0, fmt.Errorf("%s: it has %d", ruleWrittenDims, len(e.Shape))
	case row%e.DType.Block != 0:
		return 0, fmt.Errorf("%s: %d weights, %s has blocks of %d", ruleRows, row, e.DType, e.DType.Block)
	case !ok || !fits:
		return 0, fmt.Errorf("%s: shape %v of %s", ruleOverflow, e.Shape, e.DType)
	}
	return size, nil
}

// describe appends the description of a tensor whose data begin at offset.
func (l *layout) describe(e Entry, offset int64) {
	h := binary.LittleEndian.AppendUint64(l.head, uint64(len(e.Name)))
	h = append(h, e.Name...)
	h = binary.LittleEndian.AppendUint32(h, uint32(len(e.Shape)))
	for i := range e.Shape { // the file has the innermost first
		h = binary.LittleEndian.AppendUint64(h, uint64(e.Shape[len(e.Shape)-1-i]))
	}
	h = binary.LittleEndian.AppendUint32(h, typeNumbers[e.DType])
	l.head = binary.LittleEndian.AppendUint64(h, uint64(offset))
}
