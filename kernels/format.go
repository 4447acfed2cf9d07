package kernels

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Format is a way to store weights: a grid of representable values and what
// the grid is scaled by. One of Cast, Grid, Book, Micro and Packing says how;
// integers, which have none of them, go through [Affine] maps.
type Format struct {
	Name   string // as schemes write it
	Family string // one of [Families]
	About  string // what it is, in a sentence
	Runs   string // where weights of it are computed with
	Bits   int    // of one code; what a block or a unit has besides is in UnitBits
	Dials  Dials  // what about it can be turned

	Cast    *Cast         // a float type as it is, without a scale
	Grid    *Grid         // values times a scale
	Book    bool          // values fitted to the unit
	Micro   *Microscaling // small blocks with a small scale
	Packing *Packing      // blocks as the reference packs them
}

// Dials is a set of dials that a format may have.
type Dials uint8

// The dials of formats.
const (
	Granular  Dials = 1 << iota // which weights share a scale
	Stored                      // how scales are stored
	ZeroPoint                   // a zero point
	Rounds                      // the rounding
	Ranged                      // the choice of the clipping range
	Unscaled                    // whether there is a scale at all
	Searched                    // whether the reference's search or the best of all codes
	Doubled                     // scales may be quantized themselves

	scaled = Granular | Stored
)

// Has reports whether all dials of d are among those of the format.
func (f *Format) Has(d Dials) bool { return f.Dials&d == d }

// Integer reports whether the format is integers times a scale.
func (f *Format) Integer() bool { return f.Has(ZeroPoint) }

// Block returns how many weights share a scale, 0 where that is a dial.
func (f *Format) Block() int {
	switch {
	case f.Micro != nil:
		return f.Micro.Block
	case f.Packing != nil:
		return f.Packing.Block
	}
	return 0
}

// UnitBits returns the bits that a unit takes besides its codes: of the scale,
// of the zero point, of the codebook. store is how scales are stored, if that
// is a dial.
func (f *Format) UnitBits(store *Store, asymmetric bool) int {
	switch {
	case f.Micro != nil:
		return f.Micro.ScaleBits
	case f.Packing != nil:
		return 8*f.Packing.Bytes - f.Bits*f.Packing.Block
	case f.Book:
		return store.Bits << f.Bits
	case f.Cast != nil || store == nil:
		return 0
	case asymmetric:
		return store.Bits + f.Bits
	}
	return store.Bits
}

// ScaleBits returns the bits that the scales and zero points, or codebooks, of n
// units take together.
func (f *Format) ScaleBits(n int, store *Store, asymmetric bool) (hi, lo uint64) {
	if store == DoubleQuantized {
		return 0, uint64(DoubleQuantBits(n))
	}
	return bits.Mul64(uint64(n), uint64(f.UnitBits(store, asymmetric)))
}

// TensorBits returns the bits that the tensor takes once.
func (f *Format) TensorBits() int {
	if f.Micro != nil {
		return f.Micro.TensorBits
	}
	return 0
}

// Levels returns the values that a code can stand for before scaling,
// ascending, the largest magnitude 1. It is nil where there are too many to
// list or where they are fitted to the weights.
func (f *Format) Levels() []float32 {
	levels := f.values()
	if len(levels) == 0 {
		return nil
	}
	top := max(-levels[0], levels[len(levels)-1])
	for i := range levels {
		levels[i] /= top
	}
	return levels
}

// values returns the levels as the format itself counts them.
func (f *Format) values() []float32 {
	switch {
	case f.Grid != nil:
		return f.Grid.Values()
	case f.Micro != nil:
		return f.Micro.element.Values()
	case f.Packing != nil:
		return slices.Clone(f.Packing.codes)
	case f.Integer() && f.Bits <= 8:
		m := 1<<(f.Bits-1) - 1
		return run(-m, max(m, 1))
	}
	return nil
}

// Cast is a float type that weights are converted to as they are.
type Cast struct {
	max float32
	to  func(x float32) float32
	// all is All at the speed of memory, where there is such a thing.
	all func(dst, src []float32) (clipped int)
}

// Value returns the value of the type that is nearest to the finite x, ties to
// even. What is too large becomes the largest finite value and counts as
// clipped, where an IEEE cast would give ±Inf.
func (c *Cast) Value(x float32) (y float32, clipped bool) {
	y = c.to(x)
	switch {
	case Finite(y):
		return y, false
	case y > 0:
		return c.max, true
	default:
		return -c.max, true
	}
}

// All sets every dst[i] to the value of src[i], of the same length; NaN and
// ±Inf stay as they are. It returns how many weights were clipped.
func (c *Cast) All(dst, src []float32) (clipped int) {
	dst = dst[:len(src)]
	if c.all != nil {
		return c.all(dst, src)
	}
	copy(dst, src) // of a type that holds every float32
	return 0
}

// Next returns the value of the type that follows its value y upwards
// (direction > 0) or downwards; past the largest it stays there.
func (c *Cast) Next(y float32, direction int) float32 {
	goal := float32(math.Inf(direction))
	z := math.Nextafter32(y, goal)
	// The nearest value to something just past the middle of the gap is the next one.
	for gap := float64(z) - float64(y); ; gap *= 2 {
		if next, _ := c.Value(float32(float64(y) + gap)); next != y || math.Abs(float64(y)+gap) > float64(c.max) {
			return next
		}
	}
}

// Families lists the families of formats, in the order of their table.
var Families = func() (families []string) {
	for _, f := range Formats {
		if !slices.Contains(families, f.Family) {
			families = append(families, f.Family)
		}
	}
	return families
}()

// FormatOf returns the format called name, nil if there is none.
func FormatOf(name string) *Format {
	for _, f := range Formats {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Formats is the table of formats.
var Formats = slices.Concat(floats(), integers(), packed(), smallFloats(), blockScaled(), codebooks(), fewValues())

func floats() []*Format {
	const family = "float"
	return []*Format{
		{
			Name: "f32", Family: family, Bits: 32, Runs: "everywhere", Cast: &Cast{max: Stores[0].Max, to: Stores[0].to},
			About: "IEEE binary32: the weights as they are computed with",
		},
		{
			Name: "f16", Family: family, Bits: 16, Runs: "GPUs, ARM, ggml", Cast: &Cast{max: Stores[1].Max, to: Stores[1].to, all: castF16},
			About: "IEEE binary16: 5 exponent and 10 mantissa bits, up to 65504",
		},
		{
			Name: "bf16", Family: family, Bits: 16, Runs: "GPUs, TPUs, ggml", Cast: &Cast{max: Stores[2].Max, to: Stores[2].to, all: castBF16},
			About: "bfloat16: float32's 8 exponent bits, 7 mantissa bits",
		},
	}
}

func integers() []*Format {
	var fs []*Format
	for bits := 1; bits <= 16; bits++ {
		f := &Format{
			Name: fmt.Sprintf("int%d", bits), Family: "int", Bits: bits, Dials: scaled | ZeroPoint | Rounds | Ranged | Searched,
			About: fmt.Sprintf("%d-bit integers times a scale", bits),
			Runs:  "simulation (fake quantization)",
		}
		switch bits {
		case 1:
			f.About = "0 and one value as far from it as the range is wide"
		case 4:
			f.Runs = "ONNX Runtime, torch, TensorRT, GPTQ and AWQ kernels"
		case 8:
			f.Runs = "ONNX Runtime, torch, TensorRT, TFLite, microcontrollers"
		case 16:
			f.Runs = "ONNX Runtime, TFLite"
		}
		fs = append(fs, f)
	}
	return fs
}

func packed() []*Format {
	var fs []*Format
	for _, p := range Packings {
		f := &Format{Name: p.Name, Family: "ggml", Bits: p.Bits, About: p.About, Runs: "llama.cpp, ggml", Packing: p}
		if p.optimum != nil {
			f.Dials |= Searched
		}
		for _, m := range Microscalings { // OCP's of the same name are another format
			if m.Name == f.Name {
				f.Name += "_ggml"
			}
		}
		fs = append(fs, f)
	}
	return fs
}

// gridRuns says where weights of a grid are computed with.
var gridRuns = map[string]string{
	"fp8_e4m3": "NVIDIA Hopper and later, vLLM, torch", "fp8_e5m2": "NVIDIA Hopper and later, torch",
	"fp8_e4m3fnuz": "AMD MI300", "fp8_e5m2fnuz": "AMD MI300",
	"fp6_e3m2": "NVIDIA Blackwell", "fp6_e2m3": "NVIDIA Blackwell", "fp4_e2m1": "NVIDIA Blackwell",
	"nf4": "bitsandbytes", "fp4_bnb": "bitsandbytes", "ternary": "BitNet kernels", "binary": "XNOR kernels",
}

// gridFormats returns the formats of the grids for which in is true.
func gridFormats(family string, in func(g *Grid) bool) []*Format {
	var fs []*Format
	for _, g := range Grids {
		if !in(g) {
			continue
		}
		f := &Format{Name: g.Name, Family: family, About: g.About, Bits: g.Bits, Runs: gridRuns[g.Name], Dials: scaled, Grid: g}
		if f.Runs == "" {
			f.Runs = "research"
		}
		if g.Rounds {
			f.Dials |= Rounds
		}
		if !g.Measured {
			f.Dials |= Ranged
		}
		if g.float != nil {
			f.Dials |= Unscaled
		}
		if family == "codebook" {
			f.Dials |= Doubled
		}
		fs = append(fs, f)
	}
	return fs
}

func smallFloats() []*Format {
	return gridFormats("small float", func(g *Grid) bool { return g.float != nil || g.Family == "posit" })
}

func blockScaled() []*Format {
	var fs []*Format
	for _, m := range Microscalings {
		runs := "NVIDIA Blackwell, AMD MI350"
		if m.TensorBits > 0 {
			runs = "NVIDIA Blackwell"
		}
		fs = append(fs, &Format{Name: m.Name, Family: "block-scaled", About: m.About, Bits: m.Bits, Runs: runs, Dials: Rounds, Micro: m})
	}
	return fs
}

func codebooks() []*Format {
	fs := gridFormats("codebook", func(g *Grid) bool { return g.Name == "nf4" || g.Name == "fp4_bnb" })
	for bits := 1; bits <= 8; bits++ {
		fs = append(fs, &Format{
			Name: fmt.Sprintf("kmeans%d", bits), Family: "codebook", Bits: bits, Dials: scaled, Book: true,
			About: fmt.Sprintf("%d values fitted to the weights by k-means (Lloyd–Max), as palettization has it", 1<<bits),
			Runs:  "Core ML palettization",
		})
	}
	return fs
}

func fewValues() []*Format {
	return gridFormats("few values", func(g *Grid) bool {
		return g.float == nil && g.Family != "posit" && g.Name != "nf4" && g.Name != "fp4_bnb"
	})
}
