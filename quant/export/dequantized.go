package export

import (
	"context"
	"io"
	"slices"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// Dequantized writes the tensors of m to a safetensors file at path, each as
// it comes back from the scheme that plan gives it, as the type that
// [Unpacked] says; what plan keeps is copied byte by byte, or unpacked. The file
// is written whole or not at all, and without force an existing one is not
// replaced. progress, which may be nil, hears the share of the bytes done.
//
// Where the original type cannot hold a dequantized value, it is rounded once
// more, nearest even: F16 and BF16 files carry that additional error.
//
// Of the metadata, text and numbers go along as text; arrays, and what is about
// the file that was read, do not.
func Dequantized(ctx context.Context, path string, m *model.Model, plan quant.Plan, force bool, progress func(float64)) error {
	entries := make([]safetensors.Entry, len(m.Tensors))
	for i, t := range m.Tensors {
		entries[i] = safetensors.Entry{Name: t.Name, DType: Unpacked(t), Shape: t.Shape}
	}
	var done int64
	total := max(1, m.Bytes())
	report := func(n int64) {
		if done += n; progress != nil {
			progress(float64(done) / float64(total))
		}
	}
	return model.WriteFile(path, force, func(w io.Writer) error {
		return safetensors.Write(w, metadata(m), entries, func(i int, w io.Writer) error {
			t := m.Tensors[i]
			if s := plan.For(t); !s.Keep() {
				return dequantize(ctx, t, s, w, report)
			}
			if Unpacked(t) != t.DType {
				return unpack(ctx, t, w, report)
			}
			return raw(ctx, t, w, report)
		})
	})
}

// Unpacked returns the type that [Dequantized] writes t as: its own where
// weights are stored one by one, F32 where they are in blocks, which safetensors
// does not have, or have scales elsewhere. A scale times a code has more digits
// than F16 or BF16, so that F32 is the narrowest type that says what they say.
func Unpacked(t *model.Tensor) *model.DType {
	if t.DType.Quantized() || t.DType.Block > 1 {
		return model.F32
	}
	return t.DType
}

// containers are the keys by which a GGUF file describes itself.
var containers = []string{"general.alignment", "general.file_type", "general.quantization_version", "split.*", "config.quantization_config.*"}

// metadata returns what the new file takes over.
func metadata(m *model.Model) []model.KeyValue {
	return slices.DeleteFunc(slices.Clone(m.Metadata), func(kv model.KeyValue) bool {
		about := func(glob string) bool { return kv.Type != "" && quant.Match(glob, kv.Key) }
		return kv.Array() || slices.ContainsFunc(containers, about)
	})
}

func dequantize(ctx context.Context, t *model.Tensor, s quant.Scheme, w io.Writer, report func(int64)) error {
	sum, err := quant.Summarize(ctx, t, nil)
	if err != nil {
		return err
	}
	put := encoder(t, w, report)
	return quant.Dequantize(ctx, t, sum, s, nil, put)
}

// encoder returns a function that writes weights of t to w.
func encoder(t *model.Tensor, w io.Writer, report func(int64)) func(y []float32) error {
	var buf []byte
	d := Unpacked(t)
	return func(y []float32) error {
		size, _ := d.Size(len(y)) // a part of a tensor that has a size
		if int64(cap(buf)) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		d.Encode(buf, y)
		_, err := w.Write(buf)
		report(int64(float64(len(y)) * t.DType.Bits() / 8))
		return err
	}
}

// unpack writes the weights of t as they are.
func unpack(ctx context.Context, t *model.Tensor, w io.Writer, report func(int64)) error {
	put := encoder(t, w, report)
	y := make([]float32, min(t.Len(), 1<<18))
	for at := 0; at < t.Len(); at += len(y) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		y = y[:min(len(y), t.Len()-at)]
		if err := t.Read(y, at); err != nil {
			return err
		}
		if err := put(y); err != nil {
			return err
		}
	}
	return nil
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
		t.Release(at, at+int64(n))
		report(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}
