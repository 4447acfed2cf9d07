package quant

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/kernels"
)

// Dial is one thing about a scheme that can be turned: of a [Scheme] or of an
// [Activation]. Its options are whole schemes that differ from the present one
// in that thing alone, so that whatever is chosen is valid.
type Dial[S comparable] struct {
	Name  string // "format"
	About string // what it decides, in a sentence

	why     func(s S) string // it does not apply to s, "" if it does
	options func(s S) []Option[S]
}

// Option is one position of a dial.
type Option[S comparable] struct {
	Label  string
	Scheme S
}

// Dials is the table of dials of weights, in the order of the screen.
var Dials = []*Dial[Scheme]{
	dialOf("family", "the kind of numbers that weights become", 0, familyOptions),
	dialOf("format", "the numbers themselves: within a family mostly a matter of bits", 0, formatOptions),
	dialOf("granularity", "which weights share a scale", kernels.Granular, granularityOptions),
	dialOf("zero point", "whether the range may sit off zero", kernels.ZeroPoint, zeroOptions),
	dialOf("rounding", "how a weight between two grid points chooses", kernels.Rounds, roundingOptions),
	dialOf("range", "how the clipping range is chosen", kernels.Ranged, rangeOptions),
	dialOf("scale", "the format in which scales are stored", kernels.Stored, storeOptions),
	dialOf("seed", "the lots that stochastic rounding draws", kernels.Rounds, seedOptions),
}

// dialOf returns a dial of schemes whose formats have all of needs.
func dialOf(name, about string, needs kernels.Dials, options func(Scheme) []Option[Scheme]) *Dial[Scheme] {
	return &Dial[Scheme]{name, about, func(s Scheme) string { return s.whyNotDial(name, needs) }, options}
}

// whyNot returns why the format f has not the dial d.
func whyNot(f *kernels.Format, d kernels.Dials) string {
	switch {
	case d == kernels.ZeroPoint:
		return "only integers have a zero point"
	case d == kernels.Unscaled:
		return "only small floats are of use without a scale"
	case d == kernels.Searched:
		return "it has no scale to look for"
	case f.Cast != nil:
		return "it is a cast, nearest even"
	case d == kernels.Rounds && f.Packing != nil:
		return "its rounding is the reference's"
	case d == kernels.Rounds:
		return "it takes the nearest of its values"
	case f.Block() > 0:
		return fmt.Sprintf("it has a scale of its own for each block of %d", f.Block())
	case f.Book:
		return "its values are fitted to all weights"
	}
	return "its scale follows from the mean magnitude"
}

// whyNotDial returns why the dial called name, which needs dials of a format,
// does not apply to s, or "".
func (s Scheme) whyNotDial(name string, needs kernels.Dials) string {
	switch {
	case needs == 0:
		if s.Keep() && name != "family" {
			return "the tensor is kept as it is stored"
		}
		return ""
	case s.Keep():
		return "the tensor is kept as it is stored"
	case needs == kernels.Ranged && s.Has(kernels.Searched) && s.Granularity != Unscaled:
		return ""
	case !s.Has(needs):
		return s.Format.Name + ": " + whyNot(s.Format, needs)
	case s.Granularity == Unscaled && needs&(kernels.Ranged|kernels.Stored) != 0:
		return "there is no scale"
	case name == "seed" && s.Rounding != stochastic:
		return "only stochastic rounding draws lots"
	}
	return ""
}

// Why returns the reason why the dial does not apply to s, or "" if it does.
func (d *Dial[S]) Why(s S) string { return d.why(s) }

// Options returns what the dial can be turned to from s, s itself included,
// and the index of s among them; none if the dial does not apply.
func (d *Dial[S]) Options(s S) (options []Option[S], at int) {
	if d.Why(s) != "" {
		return nil, 0
	}
	options = d.options(s)
	return options, slices.IndexFunc(options, func(o Option[S]) bool { return o.Scheme == s })
}

// Label returns the position of the dial in s, or "–" if it does not apply.
func (d *Dial[S]) Label(s S) string {
	options, at := d.Options(s)
	if len(options) == 0 {
		return "–"
	}
	return options[at].Label
}

// Turn returns s with the dial turned by steps, stopping at its ends.
func (d *Dial[S]) Turn(s S, steps int) S {
	options, at := d.Options(s)
	if len(options) == 0 {
		return s
	}
	return options[max(0, min(len(options)-1, at+steps))].Scheme
}

// familyOptions are "keep" and each family by its member that is nearest in
// bits.
func familyOptions(s Scheme) []Option[Scheme] {
	bits := 8
	if !s.Keep() {
		bits = s.Format.Bits
	}
	options := []Option[Scheme]{{"keep", Scheme{}}}
	for _, family := range kernels.Families {
		var best *kernels.Format
		for _, f := range kernels.Formats {
			if f.Family == family && (best == nil || distance(f.Bits, bits) < distance(best.Bits, bits)) {
				best = f
			}
		}
		t := s.As(best)
		if !s.Keep() && s.Format.Family == family {
			t = s
		}
		options = append(options, Option[Scheme]{family, t})
	}
	return options
}

func distance(a, b int) int { return max(a-b, b-a) }

// formatOptions are the members of the family.
func formatOptions(s Scheme) []Option[Scheme] {
	var options []Option[Scheme]
	for _, f := range kernels.Formats {
		if f.Family == s.Format.Family {
			t := s
			if f != s.Format {
				t = s.As(f)
			}
			options = append(options, Option[Scheme]{f.Name, t})
		}
	}
	return options
}

// groupSizes are the positions of the granularity dial; any other size that
// was typed keeps its place between them.
var groupSizes = []Granularity{512, 256, 128, 64, 32, 16, 8}

func granularityOptions(s Scheme) []Option[Scheme] {
	sizes := slices.Concat([]Granularity{PerTensor, PerChannel}, groupSizes)
	if s.Has(kernels.Unscaled) {
		sizes = slices.Insert(sizes, 0, Unscaled)
	}
	if !slices.Contains(sizes, s.Granularity) {
		i := slices.IndexFunc(sizes, func(g Granularity) bool { return g > 0 && g < s.Granularity })
		sizes = slices.Insert(sizes, i, s.Granularity)
	}
	var options []Option[Scheme]
	for _, g := range sizes {
		t := s
		if g != s.Granularity {
			t = s.at(g)
		}
		label := g.String()
		if g > 0 {
			label = "group " + label[1:]
		}
		options = append(options, Option[Scheme]{label, t})
	}
	return options
}

// at returns s at another granularity. A default that depends on it follows; a
// choice stays if it can.
func (s Scheme) at(g Granularity) Scheme {
	from, t := defaults(s.Format, s.Granularity), defaults(s.Format, g)
	t.Asymmetric, t.Rounding, t.Seed = s.Asymmetric, s.Rounding, s.Seed
	if t.Store != nil && s.Store != from.Store && t.whyNotStore(s.Store) == "" {
		t.Store = s.Store
	}
	if t.Range != nil && s.Range != nil && t.rangeFits(s.Range) {
		t.Range, t.Percentile = s.Range, s.Percentile
	}
	return t
}

func zeroOptions(s Scheme) []Option[Scheme] {
	asym := s
	asym.Asymmetric = true
	if s.Format.Bits == 1 {
		return []Option[Scheme]{{"asymmetric", asym}}
	}
	if !asym.rangeFits(asym.Range) {
		asym.Range = kernels.MinMax
	}
	sym := s
	sym.Asymmetric = false
	return []Option[Scheme]{{"symmetric", sym}, {"asymmetric", asym}}
}

func roundingOptions(s Scheme) []Option[Scheme] {
	var options []Option[Scheme]
	for _, r := range kernels.Roundings {
		t := s
		t.Rounding = r
		if r != stochastic {
			t.Seed = 0
		}
		options = append(options, Option[Scheme]{r.Title, t})
	}
	return options
}

// percentiles are the positions of the range dial, in hundredths; any other
// that was typed keeps its place between them.
var percentiles = []uint16{9999, 9990, 9950, 9900, 9800, 9500}

func rangeOptions(s Scheme) []Option[Scheme] {
	var options []Option[Scheme]
	if s.Format.Packing != nil {
		t := s
		t.Range = nil
		options = append(options, Option[Scheme]{"reference", t})
	}
	for _, r := range kernels.Ranges {
		if !r.Of(s.Format) || !s.rangeFits(r) {
			continue
		}
		t := s
		t.Range, t.Percentile = r, 0
		if r != kernels.Percentile {
			options = append(options, Option[Scheme]{r.Title, t})
			continue
		}
		list := slices.Clone(percentiles)
		if s.Range == r && !slices.Contains(list, s.Percentile) {
			list = append(list, s.Percentile)
			slices.SortFunc(list, func(a, b uint16) int { return int(b) - int(a) })
		}
		for _, p := range list {
			t.Percentile = p
			options = append(options, Option[Scheme]{strings.TrimPrefix(t.rangeText(), "range="), t})
		}
	}
	return options
}

func storeOptions(s Scheme) []Option[Scheme] {
	var options []Option[Scheme]
	for _, store := range kernels.Stores {
		if s.whyNotStore(store) == "" {
			t := s
			t.Store = store
			options = append(options, Option[Scheme]{store.Name, t})
		}
	}
	return options
}

func seedOptions(s Scheme) []Option[Scheme] {
	var options []Option[Scheme]
	for seed := range uint16(10) {
		t := s
		t.Seed = seed
		options = append(options, Option[Scheme]{strconv.Itoa(int(seed)), t})
	}
	if s.Seed >= 10 {
		options = append(options, Option[Scheme]{strconv.Itoa(int(s.Seed)), s})
	}
	return options
}
