package net

import "math"

// crossEntropy sets grad to the gradient of the mean cross
// entropy of the rows of logits, each of classes numbers, against labels, and
// returns that mean, in nats. A label below 0 does not count.
func crossEntropy(logits []float32, labels []int, classes int, grad []float32) float64 {
	counted := 0
	for _, l := range labels {
		if l >= 0 {
			counted++
		}
	}
	var sum float64
	for i, label := range labels {
		row, g := logits[i*classes:][:classes], grad[i*classes:][:classes]
		if label < 0 {
			clear(g)
			continue
		}
		softmaxRow(g, row)
		top, total := normalizer(row)
		sum += math.Log(total) + top - float64(row[label])
		for k := range g {
			g[k] /= float32(counted)
		}
		g[label] -= 1 / float32(counted)
	}
	return sum / float64(max(1, counted))
}

// normalizer returns the greatest of a row of logits and Σ exp(v − top).
func normalizer(row []float32) (top, total float64) {
	top = math.Inf(-1)
	for _, v := range row {
		top = max(top, float64(v))
	}
	for _, v := range row {
		total += float64(exp(v - float32(top)))
	}
	return top, total
}
