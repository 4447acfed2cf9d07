package net

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// learnedKey is the metadata under which a trained network's file holds the
// steps that were learned, as JSON.
const learnedKey = "bitdial.learned"

// Learned are the maps that training has found for integer schemes, for weights
// by unit and for activations. They hold where the plan gives the same scheme.
type Learned struct {
	Weights     map[string]Steps `json:"weights,omitempty"`
	Activations map[string]Steps `json:"activations,omitempty"`
}

// Steps are the scales and zero points of one scheme.
type Steps struct {
	Scheme string    `json:"scheme"`
	Scale  []float32 `json:"scale"`
	Zero   []int32   `json:"zero,omitempty"` // none: all 0
}

// stepsOf returns what maps, of the given scheme, are.
func stepsOf(scheme string, maps []kernels.Affine) Steps {
	s := Steps{Scheme: scheme}
	var any bool
	for _, m := range maps {
		s.Scale, s.Zero = append(s.Scale, m.Scale), append(s.Zero, m.Zero)
		any = any || m.Zero != 0
	}
	if !any {
		s.Zero = nil
	}
	return s
}

// maps returns the maps of s, which are for codes as scheme has them.
func (s Steps) maps(scheme quant.Scheme) []kernels.Affine {
	codes := codesOf(scheme)
	maps := make([]kernels.Affine, len(s.Scale))
	for i, scale := range s.Scale {
		maps[i] = kernels.Affine{Scale: scale, Min: codes.Min, Max: codes.Max}
		if s.Zero != nil {
			maps[i].Zero = s.Zero[i]
		}
	}
	return maps
}

// codesOf returns a map whose codes are those of an integer scheme.
func codesOf(s quant.Scheme) kernels.Affine {
	if s.Range != kernels.Full {
		s.Range = kernels.MinMax
	}
	return quant.FitRange(s, nil, -1, 1).(kernels.Affine)
}

// weight returns the maps that were learned for the weight called name under s,
// or nil.
func (l *Learned) weight(name string, s quant.Scheme) []kernels.Affine {
	if l == nil || l.Weights[name].Scheme != s.String() {
		return nil
	}
	return l.Weights[name].maps(s)
}

// activation returns the map that was learned for what flows into the layer of
// the site called name under a, or nil.
func (l *Learned) activation(name string, a quant.Activation) kernels.Map {
	if l == nil || l.Activations[name].Scheme != a.String() {
		return nil
	}
	return l.Activations[name].maps(a.Scheme)[0]
}

// metadata returns what a file says of l.
func (l *Learned) metadata() model.KeyValue {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // training keeps steps finite
	}
	return model.KeyValue{Key: learnedKey, Value: string(text)}
}

// loadLearned reads what the file of m says of learned steps, or nil.
func loadLearned(m *model.Model) (*Learned, error) {
	text, ok := metadata(m, learnedKey)
	if !ok {
		return nil, nil
	}
	l := new(Learned)
	if err := json.Unmarshal([]byte(text), l); err != nil {
		return nil, fmt.Errorf("%s: the learned steps: %w", m.Path, err)
	}
	for _, t := range m.Tensors {
		if s, ok := l.Weights[t.Name]; ok {
			scheme, err := quant.Parse(s.Scheme)
			if err == nil {
				err = s.check(scheme, t.Shape)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: the learned steps of %q: %w", m.Path, t.Name, err)
			}
		}
	}
	for name, s := range l.Activations {
		a, err := quant.ParseActivation(s.Scheme)
		if err == nil && (!a.Static || a.Granularity != quant.PerTensor) {
			err = fmt.Errorf("%s has no step to learn", a)
		}
		if err == nil {
			err = s.check(a.Scheme, []int{1})
		}
		if err != nil {
			return nil, fmt.Errorf("%s: the learned step of what flows into %q: %w", m.Path, name, err)
		}
	}
	return l, nil
}

// check returns an error unless s are steps for a tensor of the given shape
// under scheme.
func (s Steps) check(scheme quant.Scheme, shape []int) error {
	if scheme.Keep() || !scheme.Format.Integer() {
		return fmt.Errorf("%s has no step to learn", scheme)
	}
	if n := scheme.Units(shape); len(s.Scale) != n || s.Zero != nil && len(s.Zero) != n {
		return fmt.Errorf("%d scales and %d zero points for %d units", len(s.Scale), len(s.Zero), n)
	}
	codes := codesOf(scheme)
	for i, scale := range s.Scale {
		if !(scale >= 0) || math.IsInf(float64(scale), 0) {
			return fmt.Errorf("the scale of unit %d is %v", i, scale)
		}
		if s.Zero != nil && (s.Zero[i] < codes.Min || s.Zero[i] > codes.Max) {
			return fmt.Errorf("the zero point of unit %d is %d", i, s.Zero[i])
		}
	}
	return nil
}
