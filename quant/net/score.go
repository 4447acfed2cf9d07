package net

import "math"

// Score is how well a network answers, over the rows of its output that have a
// label.
type Score struct {
	N          int     // answers
	Top1, Top5 int     // of them right, and right within the first five
	Agree      int     // those that are the float network's
	Loss, KLD  float64 // sums, in nats: cross entropy, and divergence from the float network's answers
	Classes    []Class // by label
	Said       []int32 // the answers, in order
	Labels     []int32 // and what they should have been
}

// Class is how the inputs of one class were answered.
type Class struct{ N, Right int }

// add counts rows of logits, against those of the float network. The sums go in
// order, so that they do not depend on threads.
func (s *Score) add(logits, reference []float32, labels []int, classes int) {
	if s.Classes == nil {
		s.Classes = make([]Class, classes)
	}
	for i, label := range labels {
		if label < 0 {
			continue
		}
		row, ref := logits[i*classes:][:classes], reference[i*classes:][:classes]
		top, total := normalizer(row)
		refTop, refTotal := normalizer(ref)
		logZ, refLogZ := top+math.Log(total), refTop+math.Log(refTotal)
		s.N++
		s.Loss += logZ - float64(row[label])
		var kld float64
		for k, v := range ref {
			logP := float64(v) - refLogZ
			kld += math.Exp(logP) * (logP - (float64(row[k]) - logZ))
		}
		s.KLD += max(0, kld)
		said := largest(row)
		s.Said = append(s.Said, int32(said))
		s.Labels = append(s.Labels, int32(label))
		if said == largest(ref) {
			s.Agree++
		}
		s.Classes[label].N++
		if said == label {
			s.Top1++
			s.Classes[label].Right++
		}
		better := 0
		for k, v := range row {
			if v > row[label] || v == row[label] && k < label {
				better++
			}
		}
		if better < 5 {
			s.Top5++
		}
	}
}

func largest(row []float32) int {
	at := 0
	for i, v := range row {
		if v > row[at] {
			at = i
		}
	}
	return at
}

// Accuracy returns the share of right answers.
func (s *Score) Accuracy() float64 { return float64(s.Top1) / float64(max(1, s.N)) }

// MeanLoss returns the mean cross entropy in nats.
func (s *Score) MeanLoss() float64 { return s.Loss / float64(max(1, s.N)) }

// MeanKLD returns the mean divergence Σ p·ln(p/q) from the float network's
// answers p, in nats.
func (s *Score) MeanKLD() float64 { return s.KLD / float64(max(1, s.N)) }

// BitsPerToken returns the mean cross entropy in bits: of a network that reads
// bytes, bits per byte.
func (s *Score) BitsPerToken() float64 { return s.MeanLoss() / math.Ln2 }

// Interval returns the 95 % interval of a share of k among n, by Wilson's score.
func Interval(k, n int) (lo, hi float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	center := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, center-half), min(1, center+half)
}
