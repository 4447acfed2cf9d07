package samples

// colour is red, green and blue, from 0 to 255.
type colour [3]int

// colour returns a random colour, more often dull than bright.
func (r *random) colour() colour {
	bits := r.next()
	c := colour{int(bits & 255), int(bits >> 8 & 255), int(bits >> 16 & 255)}
	grey := (c[0] + c[1] + c[2]) / 3
	bright := 48 + int(bits>>24%161) // of 256
	for k := range c {
		c[k] = grey + (c[k]-grey)*bright/256
	}
	return c
}

// unlike returns a random colour that is far from another one, so that what is
// painted on it can be seen.
func (r *random) unlike(other colour) colour {
	const far = 120 // sum of differences
	c := r.colour()
	for range 7 {
		distance := 0
		for k := range c {
			distance += max(c[k]-other[k], other[k]-c[k])
		}
		if distance >= far {
			break
		}
		c = r.colour()
	}
	return c
}

// paintBackground fills a picture at random, unlike a colour: with two colours
// that run into each other in some way, or one, and perhaps with discs.
func paintBackground(dst *[area]byte, r *random, other colour) {
	var part [side * side]byte // how much there is of the second colour, from 0 to 255
	switch r.below(4) {
	case 0: // one colour
	case 1:
		gradient(&part, r)
	case 2:
		stripes(&part, r)
	case 3:
		clouds(&part, r)
	}
	from, to := r.unlike(other), r.unlike(other)
	var ramp [256][3]byte
	for t := range ramp {
		for k := range 3 {
			ramp[t][k] = byte(from[k] + (to[k]-from[k])*t/255)
		}
	}
	for i, t := range part {
		c := &ramp[t]
		dst[3*i], dst[3*i+1], dst[3*i+2] = c[0], c[1], c[2]
	}
	if r.below(2) == 0 {
		for range r.between(1, 4) {
			paintDisc(dst, r, r.unlike(other))
		}
	}
}

// gradient runs from one corner or edge to the opposite one.
func gradient(part *[side * side]byte, r *random) {
	dx, dy := r.between(-64, 64), r.between(-64, 64)
	sum := max((max(dx, -dx)+max(dy, -dy))*(side-1), 1)
	start := -min(dx, 0)*(side-1) - min(dy, 0)*(side-1)
	for y := range side {
		for x := range side {
			part[y*side+x] = byte((start + dx*x + dy*y) * 255 / sum)
		}
	}
}

// stripes are bands in any direction, soft or hard.
func stripes(part *[side * side]byte, r *random) {
	dx, dy, phase := r.between(-48, 48), r.between(-48, 48), r.below(512)
	hardness := r.between(1, 6)
	for y := range side {
		for x := range side {
			t := (phase + dx*x + dy*y) & 511
			t = min(t, 511-t) // a triangle from 0 to 255
			part[y*side+x] = byte(min(max((t-128)*hardness+128, 0), 255))
		}
	}
}

// clouds are random values on a lattice, and what is between them.
func clouds(part *[side * side]byte, r *random) {
	shift := r.between(1, 3) // cells of 2, 4 or 8 pixels
	cell := 1 << shift
	n := side/cell + 1
	var lattice [17 * 17]int
	for i := 0; i < n*n; i += 8 {
		bits := r.next()
		for j := i; j < min(i+8, n*n); j++ {
			lattice[j] = int(bits & 255)
			bits >>= 8
		}
	}
	for y := range side {
		row, fy := lattice[y>>shift*n:], y&(cell-1)
		for x := range side {
			i, fx := x>>shift, x&(cell-1)
			above := row[i]*(cell-fx) + row[i+1]*fx
			below := row[n+i]*(cell-fx) + row[n+i+1]*fx
			part[y*side+x] = byte((above*(cell-fy) + below*fy) >> (2 * shift))
		}
	}
}

// paintDisc paints a filled circle somewhere.
func paintDisc(dst *[area]byte, r *random, c colour) {
	cx, cy, radius := r.below(side), r.below(side), r.between(2, 9)
	for y := max(cy-radius, 0); y < min(cy+radius+1, side); y++ {
		for x := max(cx-radius, 0); x < min(cx+radius+1, side); x++ {
			if (x-cx)*(x-cx)+(y-cy)*(y-cy) <= radius*radius {
				i := 3 * (y*side + x)
				dst[i], dst[i+1], dst[i+2] = byte(c[0]), byte(c[1]), byte(c[2])
			}
		}
	}
}
