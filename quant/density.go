package quant

// Density fills dst, one value per column of a plot, with the number of
// weights per column that the bins hold, drawn so that weights on a grid can be
// held against the continuous weights they came from.
//
// Bins are many times finer than columns, and quantized weights sit in few of
// them. Counting them by column would fail twice: a fine grid puts two points
// into one column and three into the next, a comb that is not in the data; and
// a coarse grid gathers in one column what the original spreads over ten, so
// that its spikes dwarf everything. Hence every run of occupied bins is seen as
// standing for its surroundings, up to half way to the next run:
//
//   - grid points less than two columns apart are spread over that surrounding
//     and join up: a fine grid has the silhouette of the original;
//   - points further apart stay separate, one column wide, as high as their
//     mass spread over the surrounding would be. They stand on the original's
//     silhouette and end at its outline where rounding only moved weights to the
//     nearest point. What ends elsewhere is worth seeing: clipped weights
//     pile up above it, a grid that is off stays below.
//
// The same rule applies to both series, so that equal weights look equal.
func Density(dst []float64, bins []int64) {
	clear(dst)
	if len(dst) == 0 {
		return
	}
	column := float64(len(bins)) / float64(len(dst)) // in bins
	joined := max(1, 2*column)
	previous := -1 // end of the run before
	for first := occupied(bins, 0); first < len(bins); {
		last, mass := first, bins[first]
		next := occupied(bins, first+1)
		for next < len(bins) && float64(next-last) <= joined {
			last = next
			mass += bins[last]
			next = occupied(bins, last+1)
		}
		before, after := float64(first-previous), float64(next-last-1)
		switch { // the outermost runs reach as far outwards as inwards
		case previous < 0 && next == len(bins):
			before, after = 0, 0
		case previous < 0:
			before = after
		case next == len(bins):
			after = before
		}
		run := float64(last + 1 - first)
		width := max(column, run) // as drawn
		share := width / max(width, run+halfGap(before, width)+halfGap(after, width))
		if run <= column {
			middle := int(float64(first+last+1) / 2 / column)
			dst[min(middle, len(dst)-1)] += float64(mass) * share
		} else {
			spreadRun(dst, bins, first, last, share)
		}
		first, previous = next, last+1
	}
}

// occupied returns the first bin from i on that holds something, or len(bins).
func occupied(bins []int64, i int) int {
	for i < len(bins) && bins[i] <= 0 {
		i++
	}
	return i
}

// halfGap returns how much of the gap next to a run belongs to it: half, if the
// run is a smeared grid point, narrower than the gap; nothing, if the run is
// wide and the gap merely sets an outlier apart.
func halfGap(gap, width float64) float64 {
	return gap / 2 * max(0, min(1, (gap/width-0.25)/0.75))
}

// spreadRun adds bins first to last to the columns of dst, times share. Each
// bin is spread half way to the occupied bins beside it.
func spreadRun(dst []float64, bins []int64, first, last int, share float64) {
	perBin := float64(len(dst)) / float64(len(bins))
	from := float64(first)
	for i := first; i <= last; {
		next := occupied(bins, i+1)
		to := float64(i + 1)
		if i < last {
			to = float64(i+1+next) / 2
		}
		addEvenly(dst, from*perBin, to*perBin, float64(bins[i])*share)
		from, i = to, next
	}
}

// addEvenly adds mass to the columns of dst that the interval [from, to) covers.
func addEvenly(dst []float64, from, to, mass float64) {
	perColumn := mass / (to - from)
	for c := int(from); c < len(dst) && float64(c) < to; c++ {
		dst[c] += perColumn * (min(to, float64(c+1)) - max(from, float64(c)))
	}
}
