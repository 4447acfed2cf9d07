package kernels

import "slices"

// Kernel is a hot function that has an implementation per backend, as tests
// and benchmarks run it.
type Kernel struct {
	Op, Format string
	Bytes      float64   // that it reads and writes per weight
	Writes     bool      // a result for every weight
	Vector     []Backend // those besides Portable that have code of their own
	Finite     bool      // the weights must be finite
	// Before writes what Run reads besides the weights, as it is in use; nil
	// where that is nothing. Tests give Run whatever they like.
	Before func(w *Work)
	Run    func(w *Work)
}

// Implemented reports whether the kernel has code of its own for b.
func (k Kernel) Implemented(b Backend) bool { return b == Portable || slices.Contains(k.Vector, b) }

// Work is what kernels read and write. X and Y are of one length; the
// other slices have room for one value per unit of X or per map.
type Work struct {
	X, Y []float32
	// Importance is as long as X, for formats that need it.
	Importance []float32
	Packed     []byte   // two bytes per weight
	Codes      []uint16 // as many
	Unit       int
	Maps       []Affine // by unit
	Extents    []Extent // by unit
	Losses     []float64
	Sums       Sums
	Clipped    int
	Bits       uint32
}

// Kernels is the table of hot functions.
var Kernels = func() []Kernel {
	both := []Backend{AVX2, AVX512}
	ks := []Kernel{
		{Op: "read", Bytes: 4, Vector: both, Run: func(w *Work) { w.Bits = read(w.X[:len(w.X)&^63]) }},
		{Op: "copy", Bytes: 8, Writes: true, Run: func(w *Work) { copy(w.Y, w.X) }},
	}
	for _, r := range Roundings { // of integers
		vector := both
		if r.mode == stochastic {
			vector = both[1:]
		}
		ks = append(ks, Kernel{Op: "roundtrip", Format: "int:round=" + r.Name, Bytes: 8, Writes: true, Vector: vector, Run: func(w *Work) {
			w.Clipped = RoundTripUnits(w.Y, w.X, w.Unit, w.Maps, r, 1, 2)
		}}, Kernel{Op: "measure", Format: "int:round=" + r.Name, Bytes: 4, Vector: vector, Run: func(w *Work) {
			var y [BlockLen]float32
			w.Sums = Measure(y[:], w.X, w.Unit, w.Maps, r, 1, 2)
		}})
	}
	for _, h := range []struct {
		format string
		encode func(dst []byte, src []float32)
		decode func(dst []float32, src []byte)
		cast   func(dst, src []float32) int
	}{{"f16", encodeF16, decodeF16, castF16}, {"bf16", encodeBF16, decodeBF16, castBF16}} {
		ks = append(ks,
			Kernel{Op: "encode", Format: h.format, Bytes: 6, Writes: true, Vector: both, Run: func(w *Work) { h.encode(w.Packed, w.X) }},
			Kernel{Op: "decode", Format: h.format, Bytes: 6, Writes: true, Vector: both, Before: func(w *Work) { h.encode(w.Packed, w.X) }, Run: func(w *Work) { h.decode(w.Y, w.Packed) }},
			Kernel{Op: "roundtrip", Format: h.format, Bytes: 8, Writes: true, Vector: both, Run: func(w *Work) { w.Clipped = h.cast(w.Y, w.X) }})
	}
	for _, p := range Packings {
		ks = append(ks, packingKernels(p)...)
	}
	for _, g := range Grids {
		vector := both
		if g.float == nil {
			vector = nil
		}
		ks = append(ks, Kernel{Op: "roundtrip", Format: g.Name, Bytes: 8, Writes: true, Vector: vector, Run: func(w *Work) {
			w.Clipped = g.Fit(w.X[:min(len(w.X), 1<<10)], 4, Stores[0]).RoundTrip(w.Y, w.X, Roundings[0], 1, 2)
		}})
	}
	for _, m := range Microscalings {
		ks = append(ks, Kernel{Op: "roundtrip", Format: m.Name, Bytes: 8, Writes: true, Vector: both, Run: func(w *Work) {
			w.Clipped = m.RoundTrip(w.Y, w.X, 4, Roundings[0], 1, 2)
		}})
	}
	return append(ks,
		Kernel{Op: "kmeans", Format: "kmeans4", Bytes: 8, Writes: true, Run: func(w *Work) {
			book := KMeans(w.X[:min(len(w.X), 1<<12)], nil, 4, Stores[0])
			w.Clipped = book.RoundTrip(w.Y, w.X, nil, 1, 2)
		}},
		Kernel{Op: "compare", Bytes: 8, Vector: both, Before: roundTripped, Run: func(w *Work) { w.Sums = Compare(w.X, w.Y, 7) }},
		Kernel{Op: "extremes", Format: "int", Bytes: 4, Vector: both[:1], Run: func(w *Work) { ExtremesOfUnits(w.Extents, w.X, w.Unit) }},
		Kernel{Op: "moments", Bytes: 4, Vector: both[:1], Run: func(w *Work) {
			w.Extents[0].Lo, w.Extents[0].Hi, w.Sums.N, w.Sums.E, w.Sums.X2 = Moments(w.X)
		}},
		Kernel{Op: "loss", Format: "int", Bytes: 4, Vector: both, Run: func(w *Work) { losses(w.Losses, w.X, w.Maps) }},
		Kernel{Op: "bins", Bytes: 6, Writes: true, Vector: both, Run: func(w *Work) { bins(w.Codes, w.X, -3, BinCount/6.5) }},
		Kernel{Op: "keys", Bytes: 6, Writes: true, Vector: both, Run: func(w *Work) { w.Bits = keys(w.Codes, w.X) }},
		Kernel{Op: "differencekeys", Bytes: 10, Writes: true, Vector: both, Before: roundTripped, Run: func(w *Work) { w.Bits = differenceKeys(w.Codes, w.X, w.Y) }},
	)
}()

// roundTripped sets Y to what X becomes as integers.
func roundTripped(w *Work) { RoundTripUnits(w.Y, w.X, w.Unit, w.Maps, Roundings[0], 1, 2) }

// packingKernels are the ways of whole blocks of X through p, as many as there
// are.
func packingKernels(p *Packing) []Kernel {
	bytes := float64(p.Bytes) / float64(p.Block)
	quantize := func(w *Work) []byte {
		n := len(w.X) / p.Block
		var importance []float32
		if p.NeedsImportance {
			importance = w.Importance[:n*p.Block]
		}
		packed := w.Packed[:n*p.Bytes]
		p.Quantize(packed, w.X[:n*p.Block], importance)
		return packed
	}
	packed := func(w *Work) { // the first weights again and again: some searches are slow
		const some = 1 << 12
		first := *w
		first.X = w.X[:min(len(w.X), some)]
		done := len(quantize(&first))
		for all := w.Packed[:len(w.X)/p.Block*p.Bytes]; done < len(all); {
			done += copy(all[done:], all[:done])
		}
	}
	unpacking := []Backend{AVX2, AVX512}
	var packing []Backend
	if p.vector {
		packing = unpacking
	}
	return []Kernel{
		{Op: "quantize", Format: p.Name, Bytes: 4 + bytes, Writes: true, Vector: packing, Finite: true, Run: func(w *Work) { quantize(w) }},
		{Op: "dequantize", Format: p.Name, Bytes: 4 + bytes, Writes: true, Vector: unpacking, Before: packed, Run: func(w *Work) {
			n := len(w.X) / p.Block
			p.Dequantize(w.Y[:n*p.Block], w.Packed[:n*p.Bytes])
		}},
		{Op: "roundtrip", Format: p.Name, Bytes: 8, Writes: true, Vector: packing, Finite: true, Run: func(w *Work) {
			for first := 0; first < len(w.X); first += roundTripLen { // in pieces, as tensors are measured: the bytes stay near
				n := min(roundTripLen, len(w.X)-first)
				part := *w
				part.X, part.Importance, part.Packed = w.X[first:][:n], w.Importance[first:][:n], w.Packed[2*first:]
				p.Dequantize(w.Y[first:][:n/p.Block*p.Block], quantize(&part))
			}
		}},
	}
}

// roundTripLen is the weights of a piece: whole blocks of any packing.
const roundTripLen = 1 << 15
