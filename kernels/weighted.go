package kernels

// WeightedSums returns Σ w·e² and Σ w·x² of the weights x and their quantized
// values y, where e = x − y and w, of the same length, says how much each
// matters. Weights that are not finite are left out. The order of addition is
// that of [fold].
func WeightedSums(x, y, w []float32) (e2, x2 float64) {
	var errors, energy [8]float64
	y, w = y[:len(x)], w[:len(x)]
	for i, v := range x {
		if !Finite(v) {
			continue
		}
		a, importance := float64(v), float64(w[i])
		e := a - float64(y[i])
		lane := i % 8
		errors[lane] += float64(importance * float64(e*e))
		energy[lane] += float64(importance * float64(a*a))
	}
	return fold(&errors), fold(&energy)
}

// WeightedEnergy returns Σ w·x² over the finite weights of x.
func WeightedEnergy(x, w []float32) float64 {
	var energy [8]float64
	w = w[:len(x)]
	for i, v := range x {
		if Finite(v) {
			a := float64(v)
			energy[i%8] += float64(float64(w[i]) * float64(a*a))
		}
	}
	return fold(&energy)
}
