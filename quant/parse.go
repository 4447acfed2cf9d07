package quant

import (
	"fmt"
	"math"
	"slices"
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
	part := strings.Split(text, ":")
	if text == "keep" {
		return Scheme{}, nil
	}
	i := slices.IndexFunc(kernels.Formats, func(f *kernels.Format) bool { return f.Name == part[0] })
	if i < 0 {
		return Scheme{}, invalid(text, part[0], "is not a format", "keep "+names(kernels.Formats, func(f *kernels.Format) string { return f.Name }))
	}
	f := kernels.Formats[i]
	if !f.Scaled {
		if len(part) > 1 {
			return Scheme{}, invalid(text, part[1], "is a dial, and "+f.Name+" has none: it is a cast, nearest even", f.Name)
		}
		return Scheme{Format: f}, nil
	}
	s := integers(f)
	s.Store = nil // until granularity has decided the default
	seen := map[string]string{}
	for _, p := range part[1:] {
		dial, err := s.set(text, p)
		if err != nil {
			return Scheme{}, err
		}
		if first, twice := seen[dial]; twice {
			return Scheme{}, invalid(text, p, fmt.Sprintf("sets the %s that %q has set", dial, first), "one of the two")
		}
		seen[dial] = p
	}
	if s.Store == nil {
		s.Store = defaultStore(s.Granularity)
	}
	if s.Range.SymmetricOnly && s.Asymmetric {
		return Scheme{}, invalid(text, "range="+s.Range.Name, "needs sym: asymmetric codes are always used in full", "range=minmax, or sym")
	}
	if s.Seed != 0 && s.Rounding != stochastic {
		return Scheme{}, invalid(text, seen["seed"], "needs round=stochastic: no other rounding draws lots", "round=stochastic:"+seen["seed"])
	}
	return s, nil
}

var stochastic = kernels.Roundings[slices.IndexFunc(kernels.Roundings, func(r *kernels.Rounding) bool { return r.Name == "stochastic" })]

// set applies one part of the scheme text and returns the dial it belongs to.
func (s *Scheme) set(text, part string) (dial string, err error) {
	key, value, assigned := strings.Cut(part, "=")
	switch {
	case part == "sym" || part == "asym":
		s.Asymmetric = part == "asym"
		return "zero point", nil
	case part == "tensor":
		s.Granularity = PerTensor
		return "granularity", nil
	case part == "channel":
		s.Granularity = PerChannel
		return "granularity", nil
	case !assigned && strings.HasPrefix(part, "g"):
		n, err := strconv.ParseUint(part[1:], 10, 31)
		if err != nil || n < MinGroup || n > maxGroup || part[1] == '0' {
			return "", invalid(text, part, "is not a group size", fmt.Sprintf("g%d to g%d, such as g32", MinGroup, maxGroup))
		}
		s.Granularity = Granularity(n)
		return "granularity", nil
	case key == "round":
		s.Rounding = lookup(kernels.Roundings, value, func(r *kernels.Rounding) string { return r.Name })
		if s.Rounding == nil {
			return "", invalid(text, part, "is not a rounding", "round= "+names(kernels.Roundings, func(r *kernels.Rounding) string { return r.Name }))
		}
		return "rounding", nil
	case key == "scale":
		s.Store = lookup(kernels.Stores, value, func(r *kernels.Store) string { return r.Name })
		if s.Store == nil {
			return "", invalid(text, part, "is not a format for scales", "scale= "+names(kernels.Stores, func(r *kernels.Store) string { return r.Name }))
		}
		return "scale", nil
	case key == "seed":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return "", invalid(text, part, "is not a seed", "seed=0 to seed=65535")
		}
		s.Seed = uint16(n)
		return "seed", nil
	case key == "range":
		return "range", s.setRange(text, part, value)
	}
	return "", invalid(text, part, "is not a dial",
		"tensor channel gN (N ≥ 8), sym asym, round=…, range=minmax|full|pNN.N|mse, scale=f32|f16|bf16, seed=N")
}

func (s *Scheme) setRange(text, part, value string) error {
	if r := lookup(kernels.Ranges, value, func(r *kernels.Range) string { return r.Name }); r != nil && r != kernels.Percentile {
		s.Range = r
		return nil
	}
	if pct, err := strconv.ParseFloat(strings.TrimPrefix(value, "p"), 64); err == nil && strings.HasPrefix(value, "p") {
		hundredths := math.Round(pct * 100)
		if pct >= 50 && pct <= 100 && math.Abs(pct*100-hundredths) < 1e-6 {
			s.Range, s.Percentile = kernels.Percentile, uint16(hundredths)
			return nil
		}
		return invalid(text, part, "is out of reach", "range=p50 to range=p100, at most two decimals, such as p99.9")
	}
	return invalid(text, part, "is not a range estimator", "range= minmax full pNN.N mse")
}

func lookup[T any](table []*T, name string, of func(*T) string) *T {
	for _, t := range table {
		if of(t) == name {
			return t
		}
	}
	return nil
}

func names[T any](table []*T, of func(*T) string) string {
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
