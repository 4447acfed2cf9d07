package samples

const (
	side = 32 // pixels of a picture of an animal in each direction
	area = side * side * 3
)

// render makes a picture of a drawing: on a random background, at a random
// size, angle and place, with its colours changed a little, and noise on top.
// Everything is integer arithmetic, so that every machine makes the same bytes.
func render(dst *[area]byte, d *drawing, r *random) {
	tint := newTint(r)
	paintBackground(dst, r, tint.of(d.mean))
	paintDrawing(dst, d, newPlacement(r), &tint)
	addNoise(dst, r)
}

// placement maps pixels of the picture to texels of a drawing: pixel (x, y) is
// at (u + x·ux + y·uy, v + x·vx + y·vy), all times [one].
type placement struct{ u, v, ux, uy, vx, vy int }

// newPlacement turns a drawing by up to 30° either way, mirrors it or not, gives
// its longer side 20 to 32 pixels, and moves it until up to two of them are out
// of sight.
func newPlacement(r *random) placement {
	const (
		turn   = 34315 // 30° in radians, times one
		part   = 256   // of a pixel
		hidden = 2
	)
	sin, cos := sincos(int64(r.between(-turn, turn)))
	length := r.between(20*part, side*part)
	step := int64(long*one*part) / int64(length) // texels per pixel
	p := placement{
		ux: int(cos * step >> 16), uy: int(sin * step >> 16),
		vx: int(-sin * step >> 16), vy: int(cos * step >> 16),
	}
	if r.below(2) == 0 {
		p.ux, p.uy = -p.ux, -p.uy
	}
	room := (side*part-length)/2 + hidden*part
	// The drawing's centre falls on (x, y); pixels are looked at in their middle.
	x := (side-1)*part/2 + r.between(-room, room)
	y := (side-1)*part/2 + r.between(-room, room)
	at := func(dx, dy int) int {
		return int((centre*one*part - int64(x)*int64(dx) - int64(y)*int64(dy)) / part)
	}
	p.u, p.v = at(p.ux, p.uy), at(p.vx, p.vy)
	return p
}

// tint changes colours: each of red, green and blue becomes a sum of all three,
// by weights times 256. Grey stays nearly grey.
type tint [3][3]int

func newTint(r *random) tint {
	const mixed, brightness, cast = 40, 50, 16 // each of 256
	var t tint
	gain := 256 + r.between(-brightness, brightness)
	for i := range t {
		own := 256 + r.between(-cast, cast)
		for j := range t {
			if j != i {
				t[i][j] = r.between(-mixed, mixed)
				own -= t[i][j]
			}
		}
		t[i][i] = own
		for j := range t {
			t[i][j] = t[i][j] * gain / 256
		}
	}
	return t
}

// of returns a colour as the tint makes it.
func (t *tint) of(c colour) colour {
	var changed colour
	for i := range changed {
		changed[i] = t.channel(i, c[0], c[1], c[2], 255)
	}
	return changed
}

// channel returns channel i of a colour, from 0 to limit.
func (t *tint) channel(i, r, g, b, limit int) int {
	return min(max((t[i][0]*r+t[i][1]*g+t[i][2]*b)>>8, 0), limit)
}

// paintDrawing paints a drawing over what is there.
func paintDrawing(dst *[area]byte, d *drawing, p placement, t *tint) {
	const last = (texels - 1) * one
	for y := range side {
		u, v := p.u+y*p.uy, p.v+y*p.vy
		for x := range side {
			if uint(u) < last && uint(v) < last {
				word := d.sample(u, v)
				if alpha := int(word >> 48); alpha > 0 {
					red, green, blue := int(word&255), int(word>>16&255), int(word>>32&255)
					pixel := dst[3*(y*side+x):][:3]
					for k := range pixel {
						through := int(pixel[k]) * (255 - alpha)
						pixel[k] = byte(t.channel(k, red, green, blue, alpha) + (through+through>>8+1)>>8)
					}
				}
			}
			u += p.ux
			v += p.vx
		}
	}
}

// sample returns the lanes of a drawing between four texels, by weights of 256
// in all, which is what a lane of 16 bits has room for.
func (d *drawing) sample(u, v int) uint64 {
	i := v>>16*texels + u>>16
	fu, fv := uint64(u>>12&15), uint64(v>>12&15)
	sum := d.texel[i]*(16-fu)*(16-fv) + d.texel[i+1]*fu*(16-fv) +
		d.texel[i+texels]*(16-fu)*fv + d.texel[i+texels+1]*fu*fv
	return sum >> 8 & 0x00ff_00ff_00ff_00ff
}

// addNoise adds to every value a random one: the sum of two that are evenly
// distributed, up to 20 either way in the noisiest pictures.
func addNoise(dst *[area]byte, r *random) {
	strength := r.below(21)
	if strength == 0 {
		return
	}
	for i := 0; i < area; i += 3 {
		bits := r.next()
		pixel := dst[i:][:3]
		for k := range pixel {
			noise := int(bits&255) + int(bits>>8&255) - 255
			bits >>= 16
			pixel[k] = byte(min(max(int(pixel[k])+noise*strength>>8, 0), 255))
		}
	}
}
