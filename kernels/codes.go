package kernels

import (
	"encoding/binary"
	"math"
)

// The ways between weights and the codes of a block, which formats share.

// negativeZero added to a float leaves it as it is.
var negativeZero = float32(math.Copysign(0, -1))

// codeAway sets codes to the low bytes of x·inverse, halves away from zero.
func codeAway(codes []uint8, x []float32, inverse float32) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = uint8(nearestAway(v * inverse))
	}
}

// codeDown sets codes to (x − low)·inverse + half, the fraction dropped, at
// most most.
func codeDown(codes []uint8, x []float32, low, inverse, half float32, most uint8) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = min(most, uint8(truncate(float32((v-low)*inverse)+half)))
	}
}

// codeDownSigned is codeDown for codes that are compared as signed bytes.
func codeDownSigned(codes []uint8, x []float32, low, inverse, half float32, most uint8) {
	codes = codes[:len(x)]
	for i, v := range x {
		codes[i] = uint8(min(int8(most), int8(truncate(float32((v-low)*inverse)+half))))
	}
}

// unpackNibbles sets y to the values of its codes, two in a byte, half of y
// apart: table[c] times low plus lowAdd in the first half, times high plus
// highAdd in the second.
func unpackNibbles(y []float32, codes []byte, table *[16]int8, low, lowAdd, high, highAdd float32) {
	first, second := y[:len(codes)], y[len(codes):][:len(codes)]
	for j, c := range codes {
		first[j] = float32(float32(table[c&15])*low) + lowAdd
		second[j] = float32(float32(table[c>>4])*high) + highAdd
	}
}

// unpackBytesGo sets y to signed bytes times a scale plus an offset. Scales and
// offsets are of as many equal parts.
func unpackBytesGo(y []float32, codes []uint8, scales, offsets []float32) {
	n := len(codes) / len(scales)
	for k, scale := range scales {
		y, offset := y[n*k:][:n], offsets[k]
		for j, c := range codes[n*k:][:n] {
			y[j] = float32(float32(int8(c))*scale) + offset
		}
	}
}

// noOffsets are the offsets of formats that have none.
var noOffsets = func() (none [16]float32) {
	for i := range none {
		none[i] = negativeZero
	}
	return none
}()

// Codes are taken out of blocks eight at a time, each in a byte of a word: a code
// in all bytes is its product with bytewise.
const bytewise = 0x0101010101010101

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func putWord(b []byte, w uint64) { binary.LittleEndian.PutUint64(b, w) }

// minus subtracts the bytes of n, all less than 128, from those of codes.
func minus(codes, n uint64) uint64 {
	return (codes | 0x80*bytewise - n) ^ ^codes&(0x80*bytewise)
}

// packNibbles packs the low four bits of 2·len(dst) codes, a multiple of 16: the
// first half of the codes becomes the low nibbles, the second the high ones.
func packNibbles(dst, codes []byte) {
	low, high := codes[:len(dst)], codes[len(dst):][:len(dst)]
	for j := 0; j < len(dst); j += 8 {
		putWord(dst[j:], word(low[j:])&(15*bytewise)|word(high[j:])<<4&(0xf0*bytewise))
	}
}

// packPairs packs two bits of 256 codes, those from shift on, in 64 bytes: byte
// 32·h + i has those of the codes 128·h + 32·k + i, k = 0…3, in bits 2·k and
// 2·k + 1.
func packPairs(dst []byte, codes *[256]uint8, shift int) {
	for j := 0; j < 64; j += 8 {
		var w uint64
		for k := range 4 {
			w |= word(codes[j/32*128+32*k+j%32:]) >> shift & (3 * bytewise) << (2 * k)
		}
		putWord(dst[j:], w)
	}
}

// packBits packs one bit of 256 codes, the one at shift, in 32 bytes: bit k of
// byte i is that of code 32·k + i.
func packBits(dst []byte, codes *[256]uint8, shift int) {
	for j := 0; j < 32; j += 8 {
		var w uint64
		for k := range 8 {
			w |= word(codes[32*k+j:]) >> shift & bytewise << k
		}
		putWord(dst[j:], w)
	}
}

// fifthBits returns bit 4 of each of 32 codes.
func fifthBits(codes []uint8) (bits uint32) {
	for j := 0; j < 32; j += 8 {
		bits |= uint32(word(codes[j:])>>4&bytewise*0x0102040810204080>>56) << j
	}
	return bits
}

// spreadBits returns bit i of bits as byte i.
func spreadBits(bits uint8) uint64 {
	one := uint64(bits) * bytewise & 0x8040201008040201
	return (one + 0x7f*bytewise) >> 7 & bytewise
}

// unpackPairs takes the two-bit codes out of b, where packPairs put them.
func unpackPairs(codes *[256]uint8, b []byte) {
	for j := 0; j < 64; j += 8 {
		w := word(b[j:])
		for k := range 4 {
			putWord(codes[j/32*128+32*k+j%32:], w>>(2*k)&(3*bytewise))
		}
	}
}

// Values of four-bit codes.
var (
	aboveZero = [16]int8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	around8   = [16]int8{-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7}
)
