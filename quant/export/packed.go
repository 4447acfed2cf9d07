package export

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// Packed is a tensor of a draft.
type Packed struct {
	*model.Tensor              // as it was
	Scheme        quant.Scheme // what the plan says
	As            *model.DType // as it is stored
	Size          int64        // in bytes, that it takes

	// Importance of the tensor's weights, see [quant.Pack]; nil where all count
	// alike.
	Importance func() ([]float32, error)
}

// Copied reports whether the tensor's bytes stay as they are: its plan keeps it,
// or it is in the right type already and nothing better is asked for.
func (p *Packed) Copied() bool {
	return p.As == p.DType && (p.Scheme.Keep() || p.As == p.Scheme.Packs() && p.Scheme.Range != kernels.OptimalScale)
}

// Requantized reports whether the tensor was quantized before, which costs
// accuracy that the original weights would not have lost.
func (p *Packed) Requantized() bool { return p.DType.Quantized() && !p.Copied() }

// refused counts the tensors that a draft cannot hold.
type refused struct {
	first error
	n     int
}

func (r *refused) add(t *model.Tensor, why string) {
	if r.n++; r.first == nil {
		r.first = fmt.Errorf("%s: %s", t.Name, why)
	}
}

// err returns the error for all of them, nil if there are none.
func (r *refused) err() error {
	if r.n < 2 {
		return r.first
	}
	return fmt.Errorf("%w; of %d tensors this is the first that does not fit", r.first, r.n)
}

// write writes the weights of p as they are stored.
func (p *Packed) write(ctx context.Context, w io.Writer, report func(int64)) error {
	switch {
	case p.Copied():
		return raw(ctx, p.Tensor, w, report)
	case p.Scheme.Keep():
		return p.unpack(ctx, w, report)
	case p.Scheme.Packs() == p.As:
		return p.pack(ctx, w, report)
	}
	return p.dequantize(ctx, w, report)
}

// pack writes the codes of the scheme.
func (p *Packed) pack(ctx context.Context, w io.Writer, report func(int64)) error {
	var importance []float32
	if p.Importance != nil {
		var err error
		if importance, err = p.Importance(); err != nil {
			return err
		}
	}
	return quant.Pack(ctx, p.Tensor, p.Scheme, importance, p.share(report), func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
}

// share returns a function that hears the share of the tensor done, reports bytes
// and lets go of what was read.
func (p *Packed) share(report func(int64)) func(float64) {
	const stretch = 4 << 20 // bytes that are let go together
	var told, kept int64
	return func(done float64) {
		now := int64(done * float64(p.Bytes()))
		report(now - told)
		if told = now; now-kept >= stretch || done == 1 {
			p.Release(kept, now)
			kept = now
		}
	}
}

// dequantize writes the weights as they come back from the scheme.
func (p *Packed) dequantize(ctx context.Context, w io.Writer, report func(int64)) error {
	sum, err := quant.Summarize(ctx, p.Tensor, p.share(func(int64) {}))
	if err != nil {
		return err
	}
	return quant.Dequantize(ctx, p.Tensor, sum, p.Scheme, p.share(report), p.encoder(w))
}

// encoder returns a function that writes weights to w.
func (p *Packed) encoder(w io.Writer) func(y []float32) error {
	var buf []byte
	return func(y []float32) error {
		size, _ := p.As.Size(len(y)) // a part of a tensor that has a size
		buf = slices.Grow(buf[:0], int(size))[:size]
		p.As.Encode(buf, y)
		_, err := w.Write(buf)
		return err
	}
}

// unpack writes the weights as they are.
func (p *Packed) unpack(ctx context.Context, w io.Writer, report func(int64)) error {
	put, share := p.encoder(w), p.share(report)
	y := make([]float32, min(p.Len(), 1<<18))
	for at := 0; at < p.Len(); at += len(y) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		y = y[:min(len(y), p.Len()-at)]
		if err := p.Read(y, at); err != nil {
			return err
		}
		if err := put(y); err != nil {
			return err
		}
		share(float64(at+len(y)) / float64(p.Len()))
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
