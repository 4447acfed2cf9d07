package kernels

// nf4 is the 4-bit NormalFloat of "QLoRA" (Dettmers et al. 2023): quantiles of
// a normal distribution scaled to ±1, with an exact zero and eight values
// above, seven below it. Values and bounds are bitsandbytes'; a weight exceeds
// the bound to become the upper value.
func nf4() *codebook {
	return newCodebook([]float32{
		-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
		-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
		0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
		0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
	}, []float32{
		-0.8480964004993439, -0.6106329262256622, -0.4599952697753906, -0.33967943489551544,
		-0.23460740596055984, -0.13791173323988914, -0.045525018125772476, 0.03979014977812767,
		0.1202552504837513, 0.2035212516784668, 0.2920137718319893, 0.3893125355243683,
		0.5016634166240692, 0.6427869200706482, 0.8614784181118011,
	})
}

// bitsandbytesFP4 is bitsandbytes' FP4, a float of two exponent bits and one
// of mantissa with a subnormal of its own, scaled to ±1: twelfths of 0, 1/16,
// 2, 3, 4, 6, 8, 12. Its bounds are the middles in few digits, and hold for
// the magnitude.
func bitsandbytesFP4() *codebook {
	return mirrored(
		[]float32{0.0625 / 12, 2. / 12, 3. / 12, 4. / 12, 6. / 12, 8. / 12, 1},
		[]float32{0.00260417, 0.0859375, 0.20833333, 0.29166667, 0.4166667, 0.583333, 0.8333333},
	)
}
