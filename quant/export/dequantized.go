package export

import (
	"context"
	"io"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// Dequantized writes the tensors of m to a safetensors file at path, each as
// it comes back from the scheme that plan gives it, in its original element
// type; what plan keeps is copied byte by byte. The file is written whole or
// not at all, and without force an existing one is not replaced. progress,
// which may be nil, hears the share of the bytes done.
//
// Where the original type cannot hold a dequantized value, it is rounded once
// more, nearest even: F16 and BF16 files carry that additional error.
func Dequantized(ctx context.Context, path string, m *model.Model, plan quant.Plan, force bool, progress func(float64)) error {
	entries := make([]safetensors.Entry, len(m.Tensors))
	for i, t := range m.Tensors {
		entries[i] = safetensors.Entry{Name: t.Name, DType: t.DType, Shape: t.Shape}
	}
	var done int64
	total := max(1, m.Bytes())
	report := func(n int64) {
		if done += n; progress != nil {
			progress(float64(done) / float64(total))
		}
	}
	return model.WriteFile(path, force, func(w io.Writer) error {
		return safetensors.Write(w, m.Metadata, entries, func(i int, w io.Writer) error {
			t := m.Tensors[i]
			if s := plan.For(t); !s.Keep() {
				return dequantize(ctx, t, s, w, report)
			}
			return raw(ctx, t, w, report)
		})
	})
}

func dequantize(ctx context.Context, t *model.Tensor, s quant.Scheme, w io.Writer, report func(int64)) error {
	sum, err := quant.Summarize(ctx, t, nil)
	if err != nil {
		return err
	}
	var buf []byte
	return quant.Dequantize(ctx, t, sum, s, nil, func(y []float32) error {
		size, _ := t.DType.Size(len(y)) // a part of a tensor that has a size
		if int64(cap(buf)) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		t.DType.Encode(buf, y)
		n, err := w.Write(buf)
		report(int64(n))
		return err
	})
}

// raw copies the stored bytes of t.
func raw(ctx context.Context, t *model.Tensor, w io.Writer, report func(int64)) error {
	buf := make([]byte, min(t.Bytes(), 1<<20))
	for at := int64(0); at < t.Bytes(); at += int64(len(buf)) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		buf = buf[:min(int64(len(buf)), t.Bytes()-at)]
		if err := t.ReadRaw(buf, at); err != nil {
			return err
		}
		n, err := w.Write(buf)
		report(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}
