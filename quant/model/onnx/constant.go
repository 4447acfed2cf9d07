package onnx

import (
	"encoding/binary"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// held is the attribute of a Constant that holds its value.
type held struct {
	as string // its name; empty if there is none
	message
}

// listed is numbers of an attribute, as a tensor stores them.
type listed struct{ floats, ints []byte }

// list keeps the numbers in f, which come one by one or packed.
func (v *listed) list(w *network, f field) error {
	add := func(number uint64) error {
		if len(v.floats)/4+len(v.ints)/8 == maxListed {
			return w.fail(f.at, ruleListed, "at most %d", maxListed)
		}
		if f.number == 8 || f.number == 3 {
			v.ints = binary.LittleEndian.AppendUint64(v.ints, number)
		} else {
			v.floats = binary.LittleEndian.AppendUint32(v.floats, uint32(number))
		}
		return nil
	}
	single := protowire.Fixed32Type
	if f.number == 8 || f.number == 3 {
		single = protowire.VarintType
	}
	if f.kind == single {
		return add(f.value)
	}
	if f.number < 7 {
		return w.want(f, single)
	}
	if err := w.want(f, protowire.BytesType); err != nil {
		return err
	}
	for b := f.bytes.b; len(b) > 0; {
		var number uint64
		var n int
		if f.number == 8 {
			number, n = protowire.ConsumeVarint(b)
		} else {
			var bits uint32
			bits, n = protowire.ConsumeFixed32(b)
			number = uint64(bits)
		}
		if n < 0 {
			return w.broken(f.at, n)
		}
		if err := add(number); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// Numbers of data types.
const (
	floatType = 1
	int64Type = 7
)

// constant returns the tensor that the Constant n is.
func (w *network) constant(n *node) (*description, error) {
	switch n.value.as {
	case "value":
		return w.inside(n, 5, w.tensor)
	case "sparse_value":
		return w.inside(n, 22, w.sparse)
	}
	var v listed
	err := w.fields(n.value.message, func(f field) error {
		switch f.number {
		case 2, 3, 7, 8:
			return v.list(w, f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := &description{at: n.value.at, kind: dataTypes[floatType], listed: v.floats}
	if strings.HasPrefix(n.value.as, "value_int") {
		d.kind, d.listed = dataTypes[int64Type], v.ints
	}
	width := d.kind.dtype.Bytes
	d.n = len(d.listed) / width
	switch d.shape = []int{d.n}; {
	case strings.HasSuffix(n.value.as, "s"):
	case d.n > 1:
		return nil, w.fail(d.at, ruleOnce, "%d numbers for one", d.n)
	default: // which a writer leaves out if it is 0
		d.n, d.shape, d.listed = 1, []int{}, append(d.listed, make([]byte, width-len(d.listed))...)
	}
	if w.listed += d.n; w.listed > maxListed {
		return nil, w.fail(d.at, ruleListed, "at most %d", maxListed)
	}
	if d.listed == nil {
		d.listed = []byte{}
	}
	return d, nil
}

// inside returns what read makes of a field of n's value.
func (w *network) inside(n *node, number protowire.Number, read func(message) (*description, error)) (*description, error) {
	m := message{at: n.value.at}
	err := w.fields(n.value.message, func(f field) error {
		if f.number != number {
			return nil
		}
		m = f.bytes
		return w.want(f, protowire.BytesType)
	})
	if err != nil {
		return nil, err
	}
	return read(m)
}
