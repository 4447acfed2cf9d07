package kernels

import "encoding/binary"

// q5_0, 5.5 bits per weight, is q4_0 with five-bit codes around 16:
//
//	2 bytes   d, binary16
//	4 bytes   the fifth bits of the codes, weight i in bit i
//	16 bytes  their low four bits, as in q4_0
//
//	x = d·(c − 16)

func quantizeQ5_0(dst []byte, x, importance []float32) {
	var codes [32]uint8
	row := meanSquare(x, importance)
	for i := range len(x) / 32 {
		b := dst[22*i:][:22]
		putHalf(b, scaleAndCode(codes[:], x[32*i:][:32], part(importance, i, 32), row, 16))
		binary.LittleEndian.PutUint32(b[2:], fifthBits(codes[:]))
		packNibbles(b[6:], codes[:])
	}
}

func dequantizeQ5_0(dst []float32, src []byte) {
	for i := range len(src) / 22 {
		b, y := src[22*i:][:22], dst[32*i:][:32]
		d := half(b)
		fifth := binary.LittleEndian.Uint32(b[2:])
		for j, c := range b[6:] {
			y[j] = float32(int32(uint32(c&15)|fifth>>j<<4&16)-16) * d
			y[16+j] = float32(int32(uint32(c>>4)|fifth>>(16+j)<<4&16)-16) * d
		}
	}
}

// fifthBits returns bit 4 of each of 32 codes.
func fifthBits(codes []uint8) (bits uint32) {
	for i, c := range codes[:32] {
		bits |= uint32(c>>4&1) << i
	}
	return bits
}
