package kernels

import "math/bits"

// Lanes give every split an approximate score, all but the one at which every
// weight has the highest level. Those whose score comes near the best one are
// then compared as plain Go compares all, in its order.
//
// What is left out never counts. Plain Go keeps a split if its score is higher,
// within some 2^-22, than that of the one kept before. Let T be the first split
// whose score is the highest but for 2^-20. If no score is between 2^-20 and 2^-19
// below the highest, T is kept, whatever was kept before; and from then on none
// but those near the best can be. If one is between, plain Go must decide.
const (
	scoreGap   = 1 - 0x1p-19
	scoreClose = 1 - 0x1p-20
	maxFinds   = 64
)

// splitFinds are the splits to compare, as numbers in the order of plain Go.
type splitFinds struct {
	n     int
	codes [maxFinds]uint32 // first border, second border and shift
}

// read takes the finds of a search that scores lanes splits at a time, with as
// many kinds of shifts. It says whether there is room for all.
func (f *splitFinds) read(found [][2]uint32, kinds int) bool {
	lanes := 8
	if backend == AVX512 {
		lanes = 16
	}
	for _, find := range found {
		from, at := 1, int(find[0])
		for at >= kinds*(from+lanes) {
			at -= kinds * (from + lanes)
			from += lanes
		}
		for m := find[1]; m != 0; m &= m - 1 {
			if f.n == maxFinds {
				return false
			}
			code := uint32(at/kinds)<<16 | uint32(from+bits.TrailingZeros32(m))<<8 | uint32(at%kinds)
			i := f.n
			for ; i > 0 && f.codes[i-1] > code; i-- {
				f.codes[i] = f.codes[i-1]
			}
			f.codes[i] = code
			f.n++
		}
	}
	return true
}

// best compares the splits found, and before them those with all weights in the
// highest level. sums gives Σwxq and Σwq² of a split.
func (f *splitFinds) best(kinds int, sums func(s iq1Split) (sumqx, sumq2 float32)) (best iq1Split, found, sure bool) {
	var highest float32
	var scores [maxFinds + 4]float64
	var top float64
	for i := range f.n + kinds {
		var s iq1Split
		if i < kinds {
			s.shift = i
		} else {
			code := f.codes[i-kinds]
			s = iq1Split{zeros: int(code >> 16), ones: int(code >> 8 & 255), shift: int(code & 255)}
		}
		sumqx, sumq2 := sums(s)
		if sumq2 > 0 && (!found || sumqx*sumqx > highest*sumq2) {
			s.scale = sumqx / sumq2
			highest = s.scale * sumqx
			best, found = s, true
		}
		scores[i] = float64(sumqx) * float64(sumqx) / float64(sumq2)
		top = max(top, scores[i])
	}
	for _, s := range scores[:f.n+kinds] {
		if s > top*scoreGap && s < top*scoreClose {
			return best, found, false
		}
	}
	return best, found, true
}

// split32 is splitIQ1S, and says whether lanes can do it.
//
// The approximate sums are off by less than 10·2^-24 of Σw|x| and of Σw, and so are
// those of plain Go. A score that is at least half the best one has a Σwq² of at
// least Σw/64, so that, if the best score is at least (Σw|x|)²/16Σw, its Σwxq is
// at least 2^-5.5·Σw|x|: the scores are off by less than 2^-12, what the
// reciprocals are off by included.
func (s *splitLanes) split32(x []float32, w *[32]float32, order *[32]uint8) (best iq1Split, found, done bool) {
	if backend == Portable {
		return best, false, false
	}
	sumx, sumw := (*[33]float32)(s.x[:]), (*[33]float32)(s.w[:])
	x = x[:32]
	var size float32
	least := w[0]
	for j, i := range order {
		i &= 31
		wx := float32(w[i] * x[i])
		sumx[j+1] = sumx[j] + wx
		sumw[j+1] = sumw[j] + w[i]
		size += abs(wx)
		least = min(least, w[i])
	}
	weight := sumw[32]
	if !(least >= 0 && size > 0x1p-55 && size < 0x1p60 && weight > 0x1p-90 && weight < 0x1p60) {
		return best, false, false
	}
	var n int
	var top float32
	if backend == AVX512 {
		n, top = split32AVX512(&s.x[0])
	} else {
		n, top = split32AVX2(&s.x[0])
	}
	var finds splitFinds
	if !(float64(top)*float64(weight) >= float64(size)*float64(size)/16) || !finds.read(s.found[:n], 2) {
		return best, false, false
	}
	return finds.best(2, func(s iq1Split) (float32, float32) {
		v := &iq1Up
		if s.shift == 1 {
			v = &iq1Down
		}
		return float32((sumx[s.zeros]-sumx[0])*v[0]) + float32((sumx[s.ones]-sumx[s.zeros])*v[1]) + float32((sumx[32]-sumx[s.ones])*v[2]),
			float32((sumw[s.zeros]-sumw[0])*v[0]*v[0]) + float32((sumw[s.ones]-sumw[s.zeros])*v[1]*v[1]) + float32((sumw[32]-sumw[s.ones])*v[2]*v[2])
	})
}

// split16 is splitIQ1M, and says whether lanes can do it. Their sums are those of
// plain Go; only the reciprocals make the scores approximate.
func (s *splitLanes) split16(x, w []float32, order *[16]uint8) (best iq1Split, found, done bool) {
	if backend == Portable {
		return best, false, false
	}
	x, w = x[:16], w[:16]
	least, most, size := w[0], w[0], float32(0)
	for j, i := range order {
		i &= 15
		s.x[j], s.w[j] = x[i], w[i]
		s.halves[j] = uint64(i) / 8 * 64
		least, most = min(least, w[i]), max(most, w[i])
		size += abs(x[i])
	}
	if !(least >= 0 && most > 0x1p-50 && most < 0x1p60 && size < 0x1p60) {
		return best, false, false
	}
	var n int
	var top float32
	if backend == AVX512 {
		n, top = split16AVX512(&s.x[0])
	} else {
		n, top = split16AVX2(&s.x[0])
	}
	var finds splitFinds
	if !(top > 0x1p-60 && top < 0x1p60) || !finds.read(s.found[:n], len(iq1Pairs)) {
		return best, false, false
	}
	return finds.best(len(iq1Pairs), func(p iq1Split) (sumqx, sumq2 float32) {
		for j := range 16 {
			level := 1
			switch {
			case j < p.zeros:
				level = 0
			case j >= p.ones:
				level = 2
			}
			q := iq1Pairs[p.shift][s.halves[j]/64&1][level]
			sumqx += float32(s.w[j] * q * s.x[j])
			sumq2 += float32(s.w[j] * q * q)
		}
		return sumqx, sumq2
	})
}

// orderInLanes is sortedOrder, and says whether lanes can do it.
func orderInLanes(order []uint8, x []float32) bool {
	return backend != Portable && (len(x) == 16 || len(x) == 32) && ranksAVX2(&x[0], len(x), &order[:len(x)][0]) == 0
}

// closestInLanes returns which neighbour in a list is closest.
func (l *lattice) closestInLanes(list int32, x, w []float32, scale float32, value *[8]float32) (int, bool) {
	if backend == Portable || l.dim != 8 {
		return 0, false
	}
	near := l.near[list+1:]
	if backend == AVX512 {
		return closestAVX512(&x[0], &w[0], &value[0], scale, &near[0], int(l.near[list])), true
	}
	return closestAVX2(&x[0], &w[0], &value[0], scale, &near[0], int(l.near[list])), true
}
