package quant

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// Compared is how far the weights of one model are from those of another.
type Compared struct {
	Pair
	Figures     // of b against a: its bytes, the error a − b
	Lost    int // weights that are finite in a and not in b; they are in no sum
}

// Relative returns Σ(a−b)²/Σa², +Inf where a is all zero and b is not.
func (c *Compared) Relative() float64 {
	if c.E2 > 0 && c.X2 == 0 {
		return math.Inf(1)
	}
	return ratio(c.E2, c.X2)
}

// Compare takes every weight of p: exact sums, the same for any number of cores. It
// streams both sides in parallel and stops soon after ctx is done. progress, which
// may be nil, hears the share done.
func (p *Pair) Compare(ctx context.Context, progress func(float64)) (*Compared, error) {
	c := &Compared{Pair: *p}
	total := float64(max(1, p.Len()))
	done := 0.0
	for _, piece := range p.pieces() {
		var report func(float64)
		if progress != nil {
			report = func(share float64) { progress((done + share*float64(piece.n)) / total) }
		}
		if err := piece.compare(ctx, p, c, report); err != nil {
			return nil, err
		}
		done += float64(piece.n)
	}
	c.Bytes = p.BytesB()
	c.Exact = true
	c.SQNRLo, c.SQNRHi = c.SQNR(), c.SQNR()
	return c, nil
}

// piece is a run of weights that lie in one tensor on each side.
type piece struct {
	a, b         *model.Tensor
	fromA, fromB int
	n            int
}

func (p *Pair) pieces() (list []piece) {
	if len(p.A) == 1 && len(p.B) == 1 {
		return []piece{{p.A[0], p.B[0], 0, 0, p.A[0].Len()}}
	}
	at := 0
	for i := range max(len(p.A), len(p.B)) {
		one := piece{p.A[0], p.B[0], at, 0, 0}
		if len(p.B) > 1 {
			one.b, one.n = p.B[i], p.B[i].Len()
		} else {
			one.a, one.n = p.A[i], p.A[i].Len()
			one.fromA, one.fromB = 0, at
		}
		at += one.n
		list = append(list, one)
	}
	return list
}

// compare adds the sums of the piece to c.
func (s *piece) compare(ctx context.Context, p *Pair, c *Compared, progress func(float64)) error {
	spans := s.spans(p)
	parts, lost := make([]kernels.Sums, len(spans)), make([]int, len(spans))
	scratch := make([][]float32, workers())
	err := stream(ctx, s.a, spans, progress, func(worker, i int, x []float32) error {
		if len(scratch[worker]) < len(x) {
			scratch[worker] = make([]float32, len(x))
		}
		y := scratch[worker][:len(x)]
		if err := s.read(p, y, spans[i].first-s.fromA); err != nil {
			return err
		}
		for j, v := range y {
			y[j] = v + p.shift
			if !kernels.Finite(v) && kernels.Finite(x[j]) {
				x[j] = float32(math.NaN())
				lost[i]++
			}
		}
		parts[i] = kernels.Compare(x, y, spans[i].first)
		return nil
	})
	for i, part := range parts {
		c.Add(part)
		c.Lost += lost[i]
	}
	return err
}

// tileLen is about how many weights of a transposed matrix are looked at together:
// from each row of the other side comes a run that should be as long as a block.
const tileLen = 1 << 20

// spans cuts a's weights.
func (s *piece) spans(p *Pair) []span {
	size := chunkLen
	if p.transposed {
		row := s.a.Shape[len(s.a.Shape)-1]
		size = max(1, tileLen/max(1, row)) * row
	}
	var spans []span
	for first := 0; first < s.n; first += size {
		spans = append(spans, span{s.fromA + first, s.fromA + min(s.n, first+size)})
	}
	return spans
}

// read reads b's weights that stand for those of a from index at of the piece on.
func (s *piece) read(p *Pair, y []float32, at int) error {
	switch {
	case p.transposed:
		rows, columns := s.a.Shape[0], s.a.Shape[1]
		run := make([]float32, len(y)/columns)
		for c := range columns {
			if err := s.b.Read(run, c*rows+at/columns); err != nil {
				return err
			}
			for r, v := range run {
				y[r*columns+c] = v
			}
		}
		return nil
	case p.row != nil:
		row := s.n / s.a.Shape[0]
		for len(y) > 0 {
			r, in := at/row, at%row
			n := min(len(y), row-in)
			if err := s.b.Read(y[:n], s.fromB+p.row(r)*row+in); err != nil {
				return err
			}
			y, at = y[n:], at+n
		}
		return nil
	}
	return s.b.Read(y, s.fromB+at)
}

// Worst sorts what was compared, the largest error relative to the weights first.
func Worst(list []*Compared) {
	slices.SortStableFunc(list, func(a, b *Compared) int { return cmp.Compare(b.Relative(), a.Relative()) })
}

// AddCompared adds a pair: what is stored is a's, what comes of it b's.
func (t *Totals) AddCompared(c *Compared) {
	t.Params += c.Len()
	t.Now += c.BytesA()
	t.Then += c.Bytes
	t.Quantized++
	t.Measured++
	t.exact++
	t.SSE += c.E2
	t.energy += c.X2
	t.weights += float64(c.N)
	if c.E2 > 0 {
		t.relative += float64(c.N) * c.Relative()
	}
}
