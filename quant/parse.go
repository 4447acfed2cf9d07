package quant

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/kernels"
)

// Parse reads a scheme: "keep", or a format followed by its dials in any
// order, separated by colons, such as
//
//	int4:g32:asym:round=stochastic:range=mse:scale=f16:seed=7
//
// The error of an invalid one says which part is wrong, why, and what would be
// valid. Parse(s.String()) == s for every valid s.
func Parse(text string) (Scheme, error) {
	if text == "keep" {
		return Scheme{}, nil
	}
	name, rest, _ := strings.Cut(text, ":")
	f := kernels.FormatOf(name)
	if f == nil {
		valid := strings.Join(kernels.FormatsNear(name), " ")
		if valid == "" {
			valid = "keep " + namesOf(kernels.Formats, func(f *kernels.Format) string { return f.Name })
		}
		return Scheme{}, invalid(text, name, "is not a format", valid)
	}
	var part []string
	if rest != "" || strings.HasSuffix(text, ":") {
		part = strings.Split(rest, ":")
	}
	p := parsing{text: text, format: f, set: map[string]string{}}
	// Other defaults depend on the granularity.
	granularity := PerTensor
	for _, word := range part {
		if g, ok := granularityOf(word); ok {
			granularity = g
		}
	}
	p.scheme = defaults(f, granularity)
	for _, word := range part {
		if err := p.word(word); err != nil {
			return Scheme{}, err
		}
	}
	s := p.scheme
	if why := s.whyNotRange(s.Range); why != "" {
		return Scheme{}, invalid(text, s.rangeText(), "does not fit: "+why, "range=minmax")
	}
	if why := s.whyNotStore(s.Store); why != "" {
		return Scheme{}, invalid(text, p.set["scale"], "does not fit: "+why, "scale=f16")
	}
	if s.Seed != 0 && s.Rounding != stochastic {
		return Scheme{}, invalid(text, p.set["seed"], "needs round=stochastic: no other rounding draws lots", "round=stochastic:"+p.set["seed"])
	}
	return s, nil
}

var stochastic = lookup(kernels.Roundings, "stochastic", func(r *kernels.Rounding) string { return r.Name })

// parsing is a scheme on its way from text.
type parsing struct {
	text   string
	format *kernels.Format
	scheme Scheme
	set    map[string]string // the words that have set a dial
}

// granularityOf reads a word that names a granularity.
func granularityOf(word string) (g Granularity, ok bool) {
	for _, g := range []Granularity{PerTensor, PerChannel, Unscaled} {
		if word == g.String() {
			return g, true
		}
	}
	if !strings.HasPrefix(word, "g") || len(word) < 2 || word[1] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(word[1:], 10, 31)
	return Granularity(n), err == nil && n >= MinGroup && n <= maxGroup
}

// word applies one word of the text.
func (p *parsing) word(word string) error {
	s := &p.scheme
	key, value, assigned := strings.Cut(word, "=")
	g, granular := granularityOf(word)
	switch {
	case granular && g == Unscaled:
		return p.dial("granularity", kernels.Unscaled, word)
	case granular:
		return p.dial("granularity", kernels.Granular, word)
	case !assigned && strings.HasPrefix(word, "g"):
		return p.invalid(word, "is not a group size", fmt.Sprintf("g%d to g%d, such as g32", MinGroup, maxGroup))
	case word == "sym" || word == "asym":
		s.Asymmetric = word == "asym"
		if !s.Asymmetric && p.format.Bits == 1 {
			return p.invalid(word, "leaves one value: 0", "asym")
		}
		return p.dial("zero point", kernels.ZeroPoint, word)
	case key == "round":
		if s.Rounding = lookup(kernels.Roundings, value, func(r *kernels.Rounding) string { return r.Name }); s.Rounding == nil {
			return p.invalid(word, "is not a rounding", "round= "+namesOf(kernels.Roundings, func(r *kernels.Rounding) string { return r.Name }))
		}
		return p.dial("rounding", kernels.Rounds, word)
	case key == "scale":
		if s.Store = lookup(kernels.Stores, value, func(r *kernels.Store) string { return r.Name }); s.Store == nil {
			return p.invalid(word, "is not a format for scales", "scale= "+namesOf(kernels.Stores, func(r *kernels.Store) string { return r.Name }))
		}
		return p.dial("scale", kernels.Stored, word)
	case key == "seed":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return p.invalid(word, "is not a seed", "seed=0 to seed=65535")
		}
		s.Seed = uint16(n)
		return p.dial("seed", kernels.Rounds, word)
	case key == "range":
		if err := p.rangeWord(word, value); err != nil {
			return err
		}
		return p.dial("range", kernels.Ranged, word)
	case key == "search":
		if value != kernels.OptimalScale.Name {
			return p.invalid(word, "is not a search", "search=optimal")
		}
		s.Range = kernels.OptimalScale
		return p.dial("range", kernels.Searched, word)
	}
	return p.invalid(word, "is not a dial",
		"tensor channel gN (N ≥ 8) unscaled, sym asym, round=…, range=minmax|full|pNN.N|mse|entropy, search=optimal, scale=f32|f16|bf16|dq, seed=N")
}

// dial notes that word sets the dial called name, which the format must have
// as d.
func (p *parsing) dial(name string, d kernels.Dials, word string) error {
	if !p.format.Has(d) {
		return p.invalid(word, "sets the "+name+", which "+p.format.Name+" has not: "+whyNot(p.format, d), defaults(p.format, PerTensor).String())
	}
	if first, twice := p.set[name]; twice {
		return p.invalid(word, fmt.Sprintf("sets the %s that %q has set", name, first), "one of the two")
	}
	p.set[name] = word
	return nil
}

func (p *parsing) rangeWord(word, value string) error {
	s := &p.scheme
	var valid []string
	for _, r := range kernels.Ranges {
		switch {
		case r == kernels.OptimalScale || !r.Of(p.format) && p.format.Has(kernels.Ranged):
			continue
		case r == kernels.Percentile:
			valid = append(valid, "pNN.N")
			continue
		}
		valid = append(valid, r.Name)
		if r.Name == value {
			s.Range = r
			return nil
		}
	}
	if pct, err := strconv.ParseFloat(strings.TrimPrefix(value, "p"), 64); err == nil && strings.HasPrefix(value, "p") {
		hundredths := math.Round(pct * 100)
		if pct >= 50 && pct <= 100 && math.Abs(pct*100-hundredths) < 1e-6 {
			s.Range, s.Percentile = kernels.Percentile, uint16(hundredths)
			return nil
		}
		return p.invalid(word, "is out of reach", "range=p50 to range=p100, at most two decimals, such as p99.9")
	}
	return p.invalid(word, "is not a range estimator", "range= "+strings.Join(valid, " "))
}

func (p *parsing) invalid(word, why, valid string) error { return invalid(p.text, word, why, valid) }

func lookup[T any](table []*T, name string, of func(*T) string) *T {
	for _, t := range table {
		if of(t) == name {
			return t
		}
	}
	return nil
}

func namesOf[T any](table []*T, of func(*T) string) string {
	var list []string
	for _, t := range table {
		list = append(list, of(t))
	}
	return strings.Join(list, " ")
}

func invalid(text, part, why, valid string) error {
	if part == text || text == "" {
		return fmt.Errorf("scheme %q %s; valid: %s", text, why, valid)
	}
	return fmt.Errorf("scheme %q: %q %s; valid: %s", text, part, why, valid)
}
