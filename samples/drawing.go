package samples

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

const (
	drawn  = 64        // pixels of a drawing in each direction
	long   = 62        // pixels of its longer side; the rest is transparent
	texels = drawn + 3 // of what the renderer samples
	centre = drawn/2 + 1
)

// drawing is a picture of an animal without a background, ready to be sampled:
// red, green and blue times opacity, and opacity, in 16 bits each of a word.
// Each texel is the mean of four pixels, which takes away what is finer than
// the pictures that are made of it; around it is a rim of nothing.
type drawing struct {
	texel [texels * texels]uint64
	mean  [3]int // colour, on average over what is opaque
}

// parseDrawing reads a PNG file of 64×64 pixels.
func parseDrawing(file []byte) (*drawing, error) {
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return newDrawing(img), nil
}

func newDrawing(img image.Image) *drawing {
	d := new(drawing)
	var sums [4]int
	// pixel returns the lanes of a pixel; those outside are transparent.
	pixel := func(x, y int) (lanes [4]int) {
		if x < 0 || y < 0 || x >= drawn || y >= drawn {
			return lanes
		}
		c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		a := int(c.A)
		return [4]int{premultiplied(c.R, a), premultiplied(c.G, a), premultiplied(c.B, a), a}
	}
	for y := range texels {
		for x := range texels {
			var sum [4]int
			for _, p := range [][4]int{pixel(x-2, y-2), pixel(x-1, y-2), pixel(x-2, y-1), pixel(x-1, y-1)} {
				for k, v := range p {
					sum[k] += v
				}
			}
			var word uint64
			for k, v := range sum {
				v = (v + 2) / 4
				sums[k] += v
				word |= uint64(v) << (16 * k)
			}
			d.texel[y*texels+x] = word
		}
	}
	for k := range d.mean {
		d.mean[k] = sums[k] * 255 / max(sums[3], 1)
	}
	return d
}

func premultiplied(v byte, alpha int) int { return (int(v)*alpha + 127) / 255 }
