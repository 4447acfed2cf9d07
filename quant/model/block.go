package model

import (
	"strings"
	"sync"

	"github.com/bitdial/bitdial/kernels"
)

// Blocks lists the types of weights that are stored in blocks, scales and
// codes together: one for each of [kernels.Packings], whose bytes they are.
var Blocks = func() []*DType {
	var list []*DType
	for _, p := range kernels.Packings {
		list = append(list, &DType{
			Name: strings.ToUpper(p.Name), Block: p.Block, Bytes: p.Bytes, Packing: p,
			float: true, decode: p.Dequantize, turned: turnedFields[p.Name],
		})
	}
	return list
}()

// maxBlock is the length of the longest block.
const maxBlock = 256

// whole holds blocks of which a part is wanted.
var whole = sync.Pool{New: func() any { return new([maxBlock]float32) }}

// decodeFrom decodes weights of the blocks src into dst: those that follow the
// first skip ones, fewer than a block, as many as dst has room for.
func (d *DType) decodeFrom(dst []float32, src []byte, skip int) {
	if skip > 0 && len(dst) > 0 {
		n := min(d.Block-skip, len(dst))
		d.decodePart(dst[:n], src[:d.Bytes], skip)
		dst, src = dst[n:], src[d.Bytes:]
	}
	blocks := len(dst) / d.Block
	d.decode(dst[:blocks*d.Block], src[:blocks*d.Bytes])
	if dst = dst[blocks*d.Block:]; len(dst) > 0 {
		d.decodePart(dst, src[blocks*d.Bytes:][:d.Bytes], 0)
	}
}

// decodePart decodes the weights of one block from skip on into dst.
func (d *DType) decodePart(dst []float32, src []byte, skip int) {
	w := whole.Get().(*[maxBlock]float32) //nolint:forcetypeassert // the pool holds nothing else
	d.decode(w[:d.Block], src)
	copy(dst, w[skip:])
	whole.Put(w)
}
