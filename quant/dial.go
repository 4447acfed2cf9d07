package quant

import (
	"slices"
	"strconv"

	"github.com/bitdial/bitdial/kernels"
)

// Dial is one thing about a scheme that can be turned. Its options are whole
// schemes that differ from the present one in that thing alone, so that
// whatever is chosen is valid.
type Dial struct {
	Name  string // "bits"
	About string // what it decides, in a sentence

	options func(s Scheme) []Option
	why     func(s Scheme) string
}

// Option is one position of a dial.
type Option struct {
	Label  string
	Scheme Scheme
}

// Dials is the table of dials, in the order of the screen.
var Dials = []*Dial{
	{"format", "the kind of numbers that weights become", formatOptions, nil},
	{"bits", "the width of one code", bitsOptions, notFixed("width")},
	{"granularity", "which weights share a scale", granularityOptions, notFixed("scale")},
	{"zero point", "whether the range may sit off zero", zeroOptions, notFixed("zero point")},
	{"rounding", "how a weight between two grid points chooses", roundingOptions, notFixed("rounding but nearest even")},
	{"range", "how the clipping range is chosen", rangeOptions, notFixed("clipping range to choose")},
	{"scale", "the format in which scales are stored", storeOptions, notFixed("scale")},
	{"seed", "the lots that stochastic rounding draws", seedOptions, func(s Scheme) string {
		if s.Rounding != stochastic {
			return "only stochastic rounding draws lots"
		}
		return ""
	}},
}

func notFixed(what string) func(Scheme) string {
	return func(s Scheme) string {
		switch {
		case s.Keep():
			return "the tensor is kept as it is stored"
		case !s.Scaled():
			return s.Format.Family + " has no " + what
		}
		return ""
	}
}

// Why returns the reason why the dial does not apply to s, or "" if it does.
func (d *Dial) Why(s Scheme) string {
	if d.why == nil {
		return ""
	}
	return d.why(s)
}

// Options returns what the dial can be turned to from s, s itself included,
// and the index of s among them; none if the dial does not apply.
func (d *Dial) Options(s Scheme) (options []Option, at int) {
	if d.Why(s) != "" {
		return nil, 0
	}
	options = d.options(s)
	return options, slices.IndexFunc(options, func(o Option) bool { return o.Scheme == s })
}

// Label returns the position of the dial in s, or "–" if it does not apply.
func (d *Dial) Label(s Scheme) string {
	options, at := d.Options(s)
	if len(options) == 0 {
		return "–"
	}
	return options[at].Label
}

// Turn returns s with the dial turned by steps, stopping at its ends.
func (d *Dial) Turn(s Scheme, steps int) Scheme {
	options, at := d.Options(s)
	if len(options) == 0 {
		return s
	}
	return options[max(0, min(len(options)-1, at+steps))].Scheme
}

func formatOptions(s Scheme) []Option {
	options := []Option{{"keep", Scheme{}}}
	for _, f := range kernels.Formats {
		switch {
		case !f.Scaled:
			options = append(options, Option{f.Family, Scheme{Format: f}})
		case s.Scaled() && f == s.Format:
			options = append(options, Option{f.Family, s})
		case !s.Scaled() && f.Bits == 8:
			options = append(options, Option{f.Family, integers(f)})
		}
	}
	return options
}

func bitsOptions(s Scheme) []Option {
	var options []Option
	for _, f := range kernels.Formats {
		if f.Family == s.Format.Family {
			t := s
			t.Format = f
			options = append(options, Option{strconv.Itoa(f.Bits), t})
		}
	}
	return options
}

// groupSizes are the positions of the granularity dial; any other size that
// was typed keeps its place between them.
var groupSizes = []Granularity{512, 256, 128, 64, 32, 16, 8}

func granularityOptions(s Scheme) []Option {
	sizes := slices.Concat([]Granularity{PerTensor, PerChannel}, groupSizes)
	if !slices.Contains(sizes, s.Granularity) {
		i := slices.IndexFunc(sizes, func(g Granularity) bool { return g > 0 && g < s.Granularity })
		sizes = slices.Insert(sizes, i, s.Granularity)
	}
	var options []Option
	for _, g := range sizes {
		t := s
		t.Granularity = g
		if s.Store == defaultStore(s.Granularity) { // a default follows the granularity; a choice stays
			t.Store = defaultStore(g)
		}
		label := g.String()
		if g > 0 {
			label = "group " + label[1:]
		}
		options = append(options, Option{label, t})
	}
	return options
}

func zeroOptions(s Scheme) []Option {
	sym, asym := s, s
	sym.Asymmetric, asym.Asymmetric = false, true
	if asym.Range.SymmetricOnly {
		asym.Range = kernels.MinMax
	}
	return []Option{{"symmetric", sym}, {"asymmetric", asym}}
}

func roundingOptions(s Scheme) []Option {
	var options []Option
	for _, r := range kernels.Roundings {
		t := s
		t.Rounding = r
		if r != stochastic {
			t.Seed = 0
		}
		options = append(options, Option{r.Title, t})
	}
	return options
}

// percentiles are the positions of the range dial, in hundredths; any other
// that was typed keeps its place between them.
var percentiles = []uint16{9999, 9990, 9950, 9900, 9800, 9500}

func rangeOptions(s Scheme) []Option {
	var options []Option
	for _, r := range kernels.Ranges {
		t := s
		t.Range, t.Percentile = r, 0
		switch {
		case r.SymmetricOnly && s.Asymmetric:
		case r == kernels.Percentile:
			list := slices.Clone(percentiles)
			if s.Range == r && !slices.Contains(list, s.Percentile) {
				list = append(list, s.Percentile)
				slices.SortFunc(list, func(a, b uint16) int { return int(b) - int(a) })
			}
			for _, p := range list {
				t.Percentile = p
				options = append(options, Option{t.rangeName(), t})
			}
		default:
			options = append(options, Option{r.Title, t})
		}
	}
	return options
}

func storeOptions(s Scheme) []Option {
	var options []Option
	for _, store := range kernels.Stores {
		t := s
		t.Store = store
		options = append(options, Option{store.Name, t})
	}
	return options
}

func seedOptions(s Scheme) []Option {
	var options []Option
	for seed := range uint16(10) {
		t := s
		t.Seed = seed
		options = append(options, Option{strconv.Itoa(int(seed)), t})
	}
	if s.Seed >= 10 {
		options = append(options, Option{strconv.Itoa(int(s.Seed)), s})
	}
	return options
}
