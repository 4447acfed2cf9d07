package kernels

// tq1_0, 1.6875 bits per weight: a scale and 256 ternary digits, made for
// networks trained with ternary weights (BitNet b1.58, TriLM).
//
//	32 bytes  five digits each: byte i those of the weights 32·k + i
//	16 bytes  five digits each: byte i those of the weights 160 + 16·k + i
//	4 bytes   four digits each: byte i those of the weights 240 + 4·k + i
//	2 bytes   d, binary16
//
//	x = d·(c − 1), d = max |x|
//
// A byte's digits c, k = 0 first, are the number q = c c c c c in base three
// below 3⁵ = 243, a fourth followed by 0. It is stored as ⌈256·q/243⌉: read as a
// fraction of 256, its digits come out on top by multiplying with 3.

// ternaryRuns are the bytes of a block: where their weights begin, how many
// bytes, and how many digits each has.
var ternaryRuns = [...]struct{ weight, byte, bytes, digits int }{
	{0, 0, 32, 5},
	{160, 32, 16, 5},
	{240, 48, 4, 4},
}

func quantizeTQ1_0(dst []byte, x, _ []float32) {
	var codes [256]uint8
	for i := range len(x) / 256 {
		b := dst[54*i:][:54]
		putHalf(b[52:], ternary(&codes, x[256*i:][:256]))
		for _, run := range ternaryRuns {
			for j := range run.bytes {
				var q uint8
				for k := range 5 {
					q *= 3
					if k < run.digits {
						q += codes[run.weight+run.bytes*k+j]
					}
				}
				b[run.byte+j] = uint8((int(q)*256 + 242) / 243)
			}
		}
	}
}

func dequantizeTQ1_0(dst []float32, src []byte) {
	const lanes = 0x00ff00ff_00ff00ff
	var packed [56]uint8 // room for words to end in
	var codes [260]uint8
	for i := range len(src) / 54 {
		b := src[54*i:][:54]
		copy(packed[:], b[:52])
		for _, run := range ternaryRuns {
			for j := 0; j < run.bytes; j += 8 {
				q := word(packed[run.byte+j:])
				even, odd := q&lanes, q>>8&lanes
				for k := range run.digits {
					even, odd = even*3, odd*3
					putWord(codes[run.weight+run.bytes*k+j:], minus(even>>8&lanes|odd&^lanes, bytewise))
					even, odd = even&lanes, odd&lanes
				}
			}
		}
		unpackBytes(dst[256*i:][:256], codes[:256], []float32{half(b[52:])}, noOffsets[:1])
	}
}

// ternary sets codes to 0, 1, 2 for the weights nearest to −d, 0, d, halves
// away from zero, and returns d, the largest magnitude.
func ternary(codes *[256]uint8, x []float32) (d float32) {
	d = abs(loudest(x))
	inverse := invert(d)
	for i, v := range x[:256] {
		codes[i] = uint8(nearestAway(v*inverse) + 1)
	}
	return d
}
