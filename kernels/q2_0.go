package kernels

import "encoding/binary"

// q2_0, 2.25 bits per weight: a scale and 64 two-bit codes.
//
//	2 bytes   d, binary16
//	16 bytes  codes c, weight i in bits 2·(i%4) and above of byte i/4
//
//	x = d·(c − 1), d = max |x|
//
// So weights become −d, 0 or d; the fourth code, 2·d, is never needed.

func quantizeQ2_0(dst []byte, x, _ []float32) {
	for i := range len(x) / 64 {
		b, v := dst[18*i:][:18], x[64*i:][:64]
		d := abs(loudest(v))
		putHalf(b, d)
		inverse := invert(d)
		codes := b[2:]
		clear(codes)
		for j, v := range v {
			c := max(0, min(3, nearestAway(v*inverse)+1))
			codes[j/4] |= uint8(c) << (j % 4 * 2)
		}
	}
}

func dequantizeQ2_0(dst []float32, src []byte) {
	var codes [64]uint8
	for i := range len(src) / 18 {
		b := src[18*i:][:18]
		for j := range 8 { // eight weights each
			c := uint64(binary.LittleEndian.Uint16(b[2+2*j:]))
			c = (c | c<<24) & 0x000000ff_000000ff
			c = (c | c<<12) & 0x000f000f_000f000f
			c = (c | c<<6) & 0x03030303_03030303
			putWord(codes[8*j:], minus(c, bytewise))
		}
		unpackBytes(dst[64*i:][:64], codes[:], []float32{half(b)}, noOffsets[:1])
	}
}
