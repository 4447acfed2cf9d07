package safetensors

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/bitdial/bitdial/quant/model"
)

// Entry is a tensor to be written.
type Entry struct {
	Name  string
	DType *model.DType
	Shape []int
}

// Size returns the bytes that [Write] writes for these metadata and entries.
func Size(metadata []model.KeyValue, entries []Entry) (int64, error) {
	l, err := newLayout(metadata, entries)
	if err != nil {
		return 0, err
	}
	return lengthBytes + int64(len(l.header)) + l.data, nil
}

// Write writes a safetensors file to w: the header, then the data of each
// tensor, which data writes to its w when it is called with the tensor's index
// in entries. Wide element types come first, as in the reference
// implementation, so that every tensor is aligned in the file; in everything
// else the order is that of entries.
//
// Nothing is written if the file could not be read back: a name or a metadata
// key that [model.CheckName] refuses or that occurs twice, text that is not
// UTF-8, a type of blocks, a shape that overflows, a header past the format's limit. A tensor that
// is not given exactly its bytes is an error, as is whatever w and data report.
func Write(w io.Writer, metadata []model.KeyValue, entries []Entry, data func(i int, w io.Writer) error) error {
	l, err := newLayout(metadata, entries)
	if err != nil {
		return err
	}
	var length [lengthBytes]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(l.header)))
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.Write(append(length[:], l.header...)); err != nil {
		return err
	}
	for _, i := range l.order {
		err := model.WriteTensor(out, entries[i].Name, l.sizes[i], func(w io.Writer) error { return data(i, w) })
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// layout is where everything goes.
type layout struct {
	header []byte
	order  []int   // indices of entries in the order of their data
	sizes  []int64 // of the data, by index
	data   int64   // bytes of all data
}

func newLayout(metadata []model.KeyValue, entries []Entry) (*layout, error) {
	l := &layout{order: make([]int, len(entries)), sizes: make([]int64, len(entries))}
	for i := range l.order {
		l.order[i] = i
	}
	slices.SortStableFunc(l.order, func(a, b int) int { return alignment(entries[b].DType) - alignment(entries[a].DType) })
	l.header = append(l.header, '{')
	if err := l.describe(metadata); err != nil {
		return nil, err
	}
	if len(entries) > maxTensors {
		return nil, fmt.Errorf("%s: %d, at most %d", ruleTooMany, len(entries), maxTensors)
	}
	names := make(map[string]struct{}, len(entries))
	for _, i := range l.order {
		e := entries[i]
		if _, twice := names[e.Name]; twice || e.Name == metadataKey {
			return nil, fmt.Errorf("tensor %q: %s", e.Name, ruleDuplicate)
		}
		names[e.Name] = struct{}{}
		if err := l.place(i, e); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.Name, err)
		}
	}
	l.header = append(l.header, '}')
	for len(l.header)%8 != 0 { // the data begin aligned for every element type
		l.header = append(l.header, ' ')
	}
	if len(l.header) > maxHeader {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", ruleTooLong, len(l.header), maxHeader)
	}
	return l, nil
}

// alignment returns what the place of a number should be a multiple of: of types
// whose numbers share bytes a byte.
func alignment(d *model.DType) int {
	if d.Block > 1 {
		return 1
	}
	return d.Bytes
}

// describe appends the metadata.
func (l *layout) describe(metadata []model.KeyValue) error {
	if len(metadata) == 0 {
		return nil
	}
	l.key(metadataKey)
	l.header = append(l.header, '{')
	keys := map[string]bool{}
	for _, kv := range metadata {
		if err := model.CheckName(metadataKey, model.NoOffset, kv.Key); err != nil {
			return err
		}
		if keys[kv.Key] {
			return fmt.Errorf("%s: %q: %s", metadataKey, kv.Key, ruleDuplicate)
		}
		keys[kv.Key] = true
		if !utf8.ValidString(kv.Value) {
			return fmt.Errorf("%s: %q: %s", metadataKey, kv.Key, ruleUTF8)
		}
		l.key(kv.Key)
		l.header = appendString(l.header, kv.Value)
	}
	l.header = append(l.header, '}')
	return nil
}

// place appends entry i, e, behind those that have their place already.
func (l *layout) place(i int, e Entry) error {
	if err := model.CheckName("", model.NoOffset, e.Name); err != nil {
		return err
	}
	if e.DType.Quantized() {
		return fmt.Errorf("%s: %s", ruleDType, e.DType)
	}
	n, ok := model.Count(e.Shape)
	size, fits := e.DType.Size(n)
	if !ok || !fits || l.data+size < 0 {
		return fmt.Errorf("%s: shape %v of %s", ruleOverflow, e.Shape, e.DType)
	}
	if len(e.Shape) > maxDims {
		return fmt.Errorf("%s: %d, at most %d", ruleDims, len(e.Shape), maxDims)
	}
	l.sizes[i] = size
	l.key(e.Name)
	h := append(l.header, `{"dtype":"`+e.DType.Name+`","shape":[`...)
	for j, d := range e.Shape {
		if j > 0 {
			h = append(h, ',')
		}
		h = strconv.AppendInt(h, int64(d), 10)
	}
	h = strconv.AppendInt(append(h, `],"data_offsets":[`...), l.data, 10)
	l.data += size
	h = strconv.AppendInt(append(h, ','), l.data, 10)
	l.header = append(h, "]}"...)
	return nil
}

// key appends the key of a member, with the comma that separates it from the
// one before.
func (l *layout) key(name string) {
	if l.header[len(l.header)-1] != '{' {
		l.header = append(l.header, ',')
	}
	l.header = append(appendString(l.header, name), ':')
}

// appendString appends s, which is valid UTF-8, as a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
