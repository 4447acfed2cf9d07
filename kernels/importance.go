package kernels

// Importance weights say how much the squared error of each weight of a row
// matters, usually the mean square of the activations that it is multiplied
// with. The searches of block formats mix them with the weights' own sizes.

// part returns the i-th run of n importance weights, or nil if there are none.
func part(importance []float32, i, n int) []float32 {
	if importance == nil {
		return nil
	}
	return importance[n*i:][:n]
}

// sumSquares returns Σx², added in order.
func sumSquares(x []float32) (sum float32) {
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// weighGo sets w to importance·√(square + x²): errors count for more in loud
// weights, without those near zero counting for nothing.
func weighGo(w, x, importance []float32, square float32) {
	w, importance = w[:len(x)], importance[:len(x)]
	for i, v := range x {
		w[i] = importance[i] * sqrt(float32(square)+float32(v*v))
	}
}

// sum adds x in order.
func sum(x []float32) (s float32) {
	for _, v := range x {
		s += v
	}
	return s
}

// weighBySquare sets w to x².
func weighBySquare(w, x []float32) {
	w = w[:len(x)]
	for i, v := range x {
		w[i] = float32(v * v)
	}
}

// sumSquaresOfBlocks returns Σx² of each 256 weights of x, at most four times as
// many, added in order. Additions wait for each other: those of two blocks take
// turns.
func sumSquaresOfBlocks(x []float32) (sums [4]float32) {
	for k := 0; len(x) > 0; k += 2 {
		if len(x) < 512 {
			sums[k] = sumSquares(x)
			break
		}
		var s, t float32
		a, b := x[:256], x[256:512]
		for i, v := range a {
			s += float32(v * v)
			t += float32(b[i] * b[i])
		}
		sums[k], sums[k+1] = s, t
		x = x[512:]
	}
	return sums
}
