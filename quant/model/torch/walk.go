package torch

import (
	"fmt"
	"math/bits"
	"strconv"

	"github.com/bitdial/bitdial/quant/model"
)

// walker collects the tensors of what a pickle built, named by the way to them:
// "encoder.0.weight".
type walker struct {
	m     *machine // which the names are charged to
	steps int
	found []named
}

type named struct {
	name string
	*tensor
}

// walk adds the tensors in v, which is at path.
func (w *walker) walk(path string, v any, depth int) error {
	if t, ok := v.(*tensor); ok {
		if len(w.found) == maxTensors {
			return w.fail(ruleManyTensors, "at most %d", maxTensors)
		}
		w.found = append(w.found, named{path, t})
		return w.m.charge(200)
	}
	if depth == maxDepth {
		return w.fail(ruleDepth, "at most %d containers in each other", maxDepth)
	}
	var items []any
	keyed := false
	switch v := v.(type) {
	case tuple:
		items = v
	case *list:
		items = v.items
	case *dict:
		items, keyed = v.items, true
	case *record:
		return w.walk(path, v.state, depth+1)
	}
	if len(items) == 0 {
		return nil
	}
	if w.steps++; w.steps > maxWalked {
		return w.fail(ruleWalk, "at most %d", maxWalked)
	}
	for i := 0; i < len(items); i++ {
		key := any(int64(i))
		if keyed {
			key = items[i]
			i++
		}
		if scalar(items[i]) {
			continue
		}
		inner, err := w.join(path, key, i)
		if err != nil {
			return err
		}
		if err := w.walk(inner, items[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// scalar reports whether v has no parts, so that its name is of no use.
func scalar(v any) bool {
	switch v.(type) {
	case *tensor, tuple, *list, *dict, *record:
		return false
	}
	return true
}

// join returns the name of the part of path that key stands for, the i-th.
func (w *walker) join(path string, key any, i int) (string, error) {
	var s string
	switch key := key.(type) {
	case string:
		s = key
	case int64:
		s = strconv.FormatInt(key, 10)
	default:
		s = strconv.Itoa(i / 2)
	}
	if path != "" {
		s = path + "." + s
	}
	if err := w.m.charge(len(s)); err != nil {
		return "", err
	}
	return s, model.CheckName(w.m.file, model.NoOffset, s)
}

func (w *walker) fail(rule, format string, args ...any) error {
	return &model.Error{File: w.m.file, Offset: model.NoOffset, Rule: rule, Found: fmt.Sprintf(format, args...)}
}

// place is where the numbers of a storage are.
type place struct {
	file   *model.File
	offset int64
	size   int64
}

// open returns t as a tensor of the model, whose storage is at p.
func (t named) open(file string, p place, bigEndian bool) (*model.Tensor, error) {
	fail := func(rule, format string, args ...any) error {
		return &model.Error{File: file, Offset: t.at, Rule: rule, Found: fmt.Sprintf("tensor %q: ", t.name) + fmt.Sprintf(format, args...)}
	}
	if t.dtype == nil {
		return nil, fail(ruleType, "its storage has none")
	}
	width := 1
	if t.storage.dtype != nil {
		width = t.storage.dtype.Bytes
	}
	whole, fits := bytesOf(t.storage.whole, width)
	if !fits || whole > p.size {
		return nil, fail(ruleStorageSize, "%d times %d bytes, there are %d", t.storage.whole, width, p.size)
	}
	begin, end := t.storage.offset*int64(width), (t.storage.offset+t.storage.n)*int64(width)
	offset, fits := bytesOf(t.offset, t.dtype.Bytes)
	if !fits || offset > end-begin {
		return nil, fail(ruleStorageSize, "it begins at %d of %d", t.offset, t.storage.n)
	}
	n, ok := model.Count(t.shape)
	size, fits := t.dtype.Size(n)
	if ok && fits && size > max(end-begin, maxBroad) { // NewStrided tells the rest
		return nil, fail(ruleBroad, "shape %v of %s, its storage has %d bytes", t.shape, t.dtype, end-begin)
	}
	return model.NewStrided(t.name, t.dtype, t.shape, t.strides, bigEndian, p.file, p.offset+begin+offset, p.offset+end)
}

// bytesOf returns n times width, and false if that does not fit.
func bytesOf(n int64, width int) (int64, bool) {
	hi, lo := bits.Mul64(uint64(n), uint64(width))
	return int64(lo), n >= 0 && hi == 0 && int64(lo) >= 0
}
