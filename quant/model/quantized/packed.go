package quantized

import (
	"encoding/binary"

	"github.com/bitdial/bitdial/quant/model"
)

// packed is codes of a few bits in words of 32, the first in the lowest bits, each
// beginning where the one before it ends.
type packed struct {
	t      *model.Tensor
	bits   int
	down   bool // codes follow each other from row to row, not from column to column
	next   int  // words from one word of such a sequence to the next,
	beside int  // from one sequence to the one beside it,
	matrix int  // from one matrix to the next,
	rows   int  // which has that many rows
	apart  bool // no code lies in two words
	order  *[8]int
}

// awqOrder is where AWQ puts each of eight codes into a word.
var awqOrder = [8]int{0, 4, 1, 5, 2, 6, 3, 7}

// read is a [source].
func (p packed) read(dst []float32, row, col int) error {
	return p.t.View(func(b []byte) error {
		matrix := row / p.rows * p.matrix
		row := row % p.rows
		if p.down {
			p.across(dst, b, matrix+col*p.beside, row)
		} else {
			p.along(dst, b, matrix+row*p.beside, col)
		}
		return nil
	})
}

// place returns in which word of its sequence the code at is, and at which bit.
func (p packed) place(at int) (word, bit int) {
	switch {
	case p.apart:
		per := 32 / p.bits
		return at / per, at % per * p.bits
	case p.order != nil:
		return at / 8, p.order[at%8] * p.bits
	}
	return at * p.bits / 32, at * p.bits % 32
}

// along sets dst to the codes from at on in the sequence that begins with the word
// first.
func (p packed) along(dst []float32, b []byte, first, at int) {
	mask := uint64(1<<p.bits - 1)
	for len(dst) > 0 {
		word, bit := p.place(at)
		i := 4 * (first + word*p.next)
		v, held := uint64(binary.LittleEndian.Uint32(b[i:]))>>bit, 32-bit
		if p.apart {
			held -= 32 % p.bits
		}
		if held < p.bits { // the next word has the rest
			v |= uint64(binary.LittleEndian.Uint32(b[i+4*p.next:])) << held
			held = p.bits
		}
		n := min(held/p.bits, len(dst))
		for j := range dst[:n] {
			dst[j] = float32(int32(v & mask))
			v >>= p.bits
		}
		dst, at = dst[n:], at+n
	}
}

// across sets dst to the code at of each of the sequences that lie beside each
// other, of which the word first begins one.
func (p packed) across(dst []float32, b []byte, first, at int) {
	word, bit := p.place(at)
	mask := uint32(1<<p.bits - 1)
	i := 4 * (first + word*p.next)
	for j := range dst {
		v := binary.LittleEndian.Uint32(b[i:]) >> bit
		if bit+p.bits > 32 {
			v |= binary.LittleEndian.Uint32(b[i+4*p.next:]) << (32 - bit)
		}
		dst[j] = float32(int32(v & mask))
		i += 4 * p.beside
	}
}

// nibbles is codes of four bits that stand for values, two in a byte.
type nibbles struct {
	t      *model.Tensor
	cols   int
	high   bool // the first is in the high bits
	values func(v *[16]float32) error
}

// read is a [source].
func (n nibbles) read(dst []float32, row, col int) error {
	var v [16]float32
	if err := n.values(&v); err != nil {
		return err
	}
	return n.t.View(func(b []byte) error {
		at := row*n.cols + col
		for i := range dst {
			code := b[(at+i)/2]
			if (at+i)%2 == 1 != n.high {
				code >>= 4
			}
			dst[i] = v[code&15]
		}
		return nil
	})
}

// plain returns the numbers of t, of that many columns, as they are.
func plain(t *model.Tensor, cols int) source {
	return func(dst []float32, row, col int) error { return t.Read(dst, row*cols+col) }
}
