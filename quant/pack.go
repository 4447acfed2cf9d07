package quant

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Packs returns the type in which the codes of s are stored as they are: that of
// a float, without a scale, or of blocks that are packed as their reference has it.
// It is nil where there is no such type, and for "keep".
func (s Scheme) Packs() *model.DType {
	switch {
	case s.Keep():
		return nil
	case s.Granularity == Unscaled:
		return unscaledTypes[s.Format.Name]
	}
	return PackedAs(s.Format)
}

// PackedAs returns the type in which codes of the format f are stored as they are,
// nil if there is none.
func PackedAs(f *kernels.Format) *model.DType {
	if f.Packing == nil {
		return castTypes[f.Name]
	}
	i := slices.IndexFunc(model.Blocks, func(d *model.DType) bool { return d.Packing == f.Packing })
	return model.Blocks[i]
}

var castTypes = map[string]*model.DType{"f32": model.F32, "f16": model.F16, "bf16": model.BF16}

// unscaledTypes are the types of small floats that have no scale beside them. Those
// that are not read yet are not written either.
var unscaledTypes = map[string]*model.DType{
	"fp8_e4m3": typeNamed("F8_E4M3"), "fp8_e5m2": typeNamed("F8_E5M2"),
	"fp8_e4m3fnuz": typeNamed("F8_E4M3FNUZ"), "fp8_e5m2fnuz": typeNamed("F8_E5M2FNUZ"),
}

func typeNamed(name string) *model.DType {
	return lookup(model.DTypes, name, func(d *model.DType) string { return d.Name })
}

// maxPackedRow is the longest row that is packed as a whole where nothing asks
// for it.
const maxPackedRow = 1 << 20

// maxWave is about how many weights are packed side by side before they are
// given out in order.
const maxWave = 1 << 21

// Pack gives the weights of t as the type that [Scheme.Packs] returns to emit, in
// order and in stretches that are valid for the call. Its memory does not depend
// on the tensor's size: with importance it is a row for each core.
//
// importance says how much the squared error of each weight of a row matters,
// or is nil. It is as long as a row, or as several of which each serves an equal
// part of the tensor, the experts of a layer. Where a format needs importance and
// there is none, all weights count alike.
//
// Packings and small floats have no code for NaN and ±Inf, or not for all: for them a weight that is not finite is
// an error that names the first, as is one too large for the scale of its block.
// progress, which may be nil, hears the share done.
func Pack(ctx context.Context, t *model.Tensor, s Scheme, importance []float32, progress func(float64), emit func(b []byte) error) error {
	p, err := newPacker(t, s, importance)
	if err != nil || p.n == 0 {
		return err
	}
	spans := p.spans()
	step := max(workers(), maxWave/(spans[0].end-spans[0].first))
	buf := make([]byte, p.bytes(min(len(spans), step)*(spans[0].end-spans[0].first)))
	scratch := make([]packScratch, workers())
	for i := 0; i < len(spans); i += step {
		wave := spans[i:min(len(spans), i+step)]
		first, end := wave[0].first, wave[len(wave)-1].end
		err := stream(ctx, t, wave, nil, func(worker, j int, x []float32) error {
			from := p.bytes(wave[j].first - first)
			return p.pack(buf[from:from+p.bytes(len(x))], x, wave[j].first, &scratch[worker])
		})
		if errors.Is(err, errUnpackable) {
			return whyUnpackable(t, s, wave)
		}
		if err != nil {
			return err
		}
		t.Release(storedBytes(t, first), storedBytes(t, end))
		if err := emit(buf[:p.bytes(end-first)]); err != nil {
			return err
		}
		if progress != nil {
			progress(float64(end) / float64(t.Len()))
		}
	}
	return nil
}

// storedBytes returns where the block that weight i belongs to is stored.
func storedBytes(t *model.Tensor, i int) int64 { return int64(i/t.DType.Block) * int64(t.DType.Bytes) }

// packer packs stretches of one tensor.
type packer struct {
	scheme Scheme
	dtype  *model.DType
	row, n int
	guide  *guide
}

// packScratch is one worker's own.
type packScratch struct {
	y       []float32
	alike   []float32
	optimal kernels.Optimal
}

func newPacker(t *model.Tensor, s Scheme, importance []float32) (*packer, error) {
	p := &packer{scheme: s, dtype: s.Packs(), row: 1, n: t.Len()}
	if len(t.Shape) > 0 {
		p.row = t.Shape[len(t.Shape)-1]
	}
	if why := s.WhyNot(t.Shape); why != "" {
		return nil, fmt.Errorf("%s: %s", t.Name, why)
	}
	if p.dtype == nil {
		return nil, fmt.Errorf("%s: %s is not stored as it is", t.Name, s)
	}
	var err error
	p.guide, err = newGuide(t, importance)
	return p, err
}

// bytes returns what n weights become, whole blocks.
func (p *packer) bytes(n int) int { return n / p.dtype.Block * p.dtype.Bytes }

// spans cuts the tensor into stretches of whole rows: with importance, searches
// weigh a weight against its row. Without, a very long row is cut between blocks.
func (p *packer) spans() []span {
	unit := p.row
	if p.guide == nil && p.row > maxPackedRow {
		unit = p.dtype.Block
	}
	var spans []span
	for first := 0; first < p.n; {
		end := first + max(1, chunkLen/unit)*unit
		if unit != p.row {
			end = min(end, (first/p.row+1)*p.row)
		}
		end = min(end, p.n)
		spans = append(spans, span{first, end})
		first = end
	}
	return spans
}

const (
	finiteExponent = 128
	// tameExponent bounds weights whose blocks have scales that 16 bits hold, with
	// room to spare, whatever the format: what they come back as need not be looked
	// at.
	tameExponent = 10
)

var errUnpackable = errors.New("a weight has no code")

// pack sets dst to the weights x, whole rows from index at on or a part of one.
func (p *packer) pack(dst []byte, x []float32, at int, w *packScratch) error {
	w.y = slices.Grow(w.y[:0], len(x))[:len(x)]
	if cast := p.scheme.Format.Cast; cast != nil {
		cast.All(w.y, x)
		p.dtype.Encode(dst, w.y)
		return nil
	}
	tame := p.scheme.Range != kernels.OptimalScale && kernels.AllBelow(x, tameExponent)
	if !tame && !kernels.AllBelow(x, finiteExponent) {
		return errUnpackable
	}
	if p.scheme.Granularity == Unscaled {
		p.scheme.Format.Grid.Unit().RoundTrip(w.y, x, p.scheme.Rounding, uint64(p.scheme.Seed), uint64(at))
		p.dtype.Encode(dst, w.y)
		return nil
	}
	packing, row := p.scheme.Format.Packing, p.row
	if p.guide == nil && !packing.NeedsImportance {
		row = len(x) // blocks are on their own, and many are faster
	}
	for i := 0; i < len(x); {
		end := min(len(x), i+row)
		importance := p.rowImportance(at+i, end-i, w)
		if p.scheme.Range == kernels.OptimalScale {
			packing.QuantizeOptimal(dst[p.bytes(i):], x[i:end], importance, &w.optimal)
		} else {
			packing.Quantize(dst[p.bytes(i):], x[i:end], importance)
		}
		i = end
	}
	if tame {
		return nil
	}
	if packing.Dequantize(w.y, dst); !kernels.AllBelow(w.y, finiteExponent) {
		return errUnpackable
	}
	return nil
}

// rowImportance returns the importance of the n weights from index at on, which
// are a row if there is any.
func (p *packer) rowImportance(at, n int, w *packScratch) []float32 {
	switch {
	case p.guide != nil:
		return p.guide.weights(at, n)
	case !p.scheme.Format.Packing.NeedsImportance:
		return nil
	}
	for len(w.alike) < n {
		w.alike = append(w.alike, 1)
	}
	return w.alike[:n]
}

// whyUnpackable returns the error for weights of which one at least has no code.
func whyUnpackable(t *model.Tensor, s Scheme, spans []span) error {
	if err := whereNotFinite(t, s, spans); err != nil {
		return err
	}
	return fmt.Errorf("%s: weights %d to %d: some are too large for the scale that a block of %s has", t.Name, spans[0].first, spans[len(spans)-1].end-1, s.Format.Name)
}
