package imatrix

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
)

// Matrix is an open importance matrix. Its values stay in the file until they
// are asked for.
type Matrix struct {
	Path   string
	Chunks int // of text that it was made from; 0 if the file does not say

	file    *model.File
	entries map[string]entry
}

// entry is the importance of one tensor: values, that have to be divided.
type entry struct {
	sums   *model.Tensor
	counts *model.Tensor // by expert, or nil
	calls  int           // where there are no counts
}

// Open opens the importance matrix at path, of either form. A broken rule is an
// [*model.Error].
func Open(path string) (*Matrix, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	m, err := parse(f)
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return m, nil
}

// Is reports whether the file at path is an importance matrix, maybe a broken one: a
// GGUF file that says so or has sums of squares, or one that reads as the older form.
func Is(path string) bool {
	f, err := model.OpenFile(path)
	if err != nil {
		return false
	}
	if g, err := gguf.FromFile(f); err == nil {
		defer f.Close() //nolint:errcheck // only read
		return slices.ContainsFunc(g.Metadata, func(kv model.KeyValue) bool { return kv.Key == "general.type" && kv.Value == "imatrix" }) ||
			slices.ContainsFunc(g.Tensors, func(t *model.Tensor) bool { return strings.HasSuffix(t.Name, sumsSuffix) })
	}
	m, err := Open(path)
	return err == nil && m.Close() == nil
}

// Parse opens the importance matrix that data are, known as name. It keeps data.
func Parse(name string, data []byte) (*Matrix, error) { return parse(model.NewFile(name, data)) }

func parse(f *model.File) (*Matrix, error) {
	m := &Matrix{Path: f.Name(), file: f, entries: map[string]entry{}}
	var head []byte
	err := f.View(0, min(f.Size(), 4), func(b []byte) error {
		head = slices.Clone(b)
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(head, []byte("GGUF")):
		err = m.parseGGUF()
	default:
		err = m.parseOlder()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Close releases the file.
func (m *Matrix) Close() error { return m.file.Close() }

// Len returns how many tensors m knows.
func (m *Matrix) Len() int { return len(m.entries) }

// Knows reports whether m has the importance of the tensor called name.
func (m *Matrix) Knows(name string) bool {
	_, ok := m.entries[name]
	return ok
}

// Check returns an error unless m fits a tensor of that name and shape, which it
// knows.
func (m *Matrix) Check(name string, shape []int) error {
	e := m.entries[name]
	row, experts := 1, 1
	for i, d := range shape {
		switch {
		case i == len(shape)-1:
			row = d
		case i < len(shape)-2:
			experts *= d
		}
	}
	if e.sums.Len() != row*experts || e.counts != nil && e.counts.Len() != experts && e.counts.Len() != 1 {
		return m.fail(ruleLength, "%q has %d values, the tensor has shape %v", name, e.sums.Len(), shape)
	}
	return nil
}

// tokenEmbedding is a tensor that rows are taken from, and nothing is multiplied
// with: old matrices have something else under its name.
const tokenEmbedding = "token_embd.weight"

// Has reports whether m has the importance of a tensor of that name and shape. A
// name that it knows and a shape that does not fit are an error, but for the
// embedding of tokens.
func (m *Matrix) Has(name string, shape []int) (bool, error) {
	if !m.Knows(name) {
		return false, nil
	}
	err := m.Check(name, shape)
	if err != nil && name == tokenEmbedding {
		return false, nil
	}
	return err == nil, err
}

// Of returns the importance of t; nil if m does not have it, or is nil itself.
func (m *Matrix) Of(t *model.Tensor) ([]float32, error) {
	if m == nil {
		return nil, nil
	}
	if has, err := m.Has(t.Name, t.Shape); err != nil || !has {
		return nil, err
	}
	return m.Importance(t.Name)
}

// Importance returns the importance of the columns of the tensor called name,
// which m knows: a row for each of its experts.
func (m *Matrix) Importance(name string) ([]float32, error) {
	e := m.entries[name]
	values := make([]float32, e.sums.Len())
	if err := e.sums.Read(values, 0); err != nil {
		return nil, err
	}
	counts, err := e.inputs()
	if err != nil {
		return nil, err
	}
	row := len(values) / len(counts)
	for i, count := range counts {
		e.divide(values[i*row:][:row], count)
	}
	for i, v := range values {
		if !(v >= 0) || math.IsInf(float64(v), 1) {
			return nil, m.fail(ruleNumber, "value %d of %q is %g", i, name, v)
		}
	}
	return values, nil
}

// inputs returns how many inputs each expert had.
func (e entry) inputs() ([]float32, error) {
	if e.counts == nil {
		return []float32{float32(e.calls)}, nil
	}
	counts := make([]float32, e.counts.Len())
	return counts, e.counts.Read(counts, 0)
}

// divide turns sums into means. An expert that had no inputs is as important
// everywhere; entries of the older form that were never added to are means
// already.
func (e entry) divide(sums []float32, count float32) {
	count = float32(math.Round(float64(count)))
	for i := range sums {
		switch {
		case count > 0:
			sums[i] /= count
		case e.counts != nil:
			sums[i] = 1
		}
	}
}

func (m *Matrix) fail(rule, format string, args ...any) error {
	return &model.Error{File: m.Path, Offset: model.NoOffset, Rule: rule, Found: fmt.Sprintf(format, args...)}
}
