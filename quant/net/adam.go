package net

import "math"

// adam holds the moments of AdamW for one list of parameters (Loshchilov and
// Hutter, "Decoupled weight decay regularization", 2019).
type adam struct{ m, v []float32 }

const (
	beta1   = 0.9
	beta2   = 0.99
	epsilon = 1e-8
)

// update moves x against the gradient g by rate, and shrinks it by rate·decay.
// step counts from 1.
func (a *adam) update(x, g []float32, rate, decay float64, step int) {
	if a.m == nil {
		a.m, a.v = make([]float32, len(x)), make([]float32, len(x))
	}
	c1 := float32(1 / (1 - math.Pow(beta1, float64(step))))
	c2 := float32(1 / (1 - math.Pow(beta2, float64(step))))
	keep, r := float32(1-rate*decay), float32(rate)
	for i, d := range g {
		a.m[i] = beta1*a.m[i] + (1-beta1)*d
		a.v[i] = beta2*a.v[i] + (1-beta2)*d*d
		x[i] = x[i]*keep - r*a.m[i]*c1/(float32(math.Sqrt(float64(a.v[i]*c2)))+epsilon)
	}
}

// momentum is the velocity of stochastic gradient descent for one list of
// parameters.
type momentum struct{ v []float32 }

// update moves x by rate along the velocity 0.9·v − g, and shrinks it by
// rate·decay.
func (s *momentum) update(x, g []float32, rate, decay float64, _ int) {
	if s.v == nil {
		s.v = make([]float32, len(x))
	}
	keep, r := float32(1-rate*decay), float32(rate)
	for i, d := range g {
		s.v[i] = 0.9*s.v[i] - d
		x[i] = x[i]*keep + r*s.v[i]
	}
}

// optimizer moves parameters against their gradients.
type optimizer interface {
	update(x, g []float32, rate, decay float64, step int)
}
