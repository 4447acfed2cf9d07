package kernels

// latticePackings is the table of the formats whose codes are points of a grid.
var latticePackings = []*Packing{
	{
		Name: "iq1_s", Bits: 1, Block: 256, Bytes: 50, NeedsImportance: true, UsesImportance: true,
		About:    "1.56 bits: eight of −1, 0, 1 are one of 2048 grid points, a 3-bit scale and a shift per 32",
		quantize: blockwise(iq1Lattice, quantizeIQ1S), dequantize: dequantizeIQ1S, vector: true,
	},
	{
		Name: "iq1_m", Bits: 1, Block: 256, Bytes: 56, UsesImportance: true,
		About:    "1.75 bits: eight of −1, 0, 1 are one of 2048 grid points, each eight with a shift, a 3-bit scale per 16",
		quantize: blockwise(iq1Lattice, quantizeIQ1M), dequantize: dequantizeIQ1M, vector: true,
	},
	{
		Name: "iq2_xxs", Bits: 2, Block: 256, Bytes: 66, NeedsImportance: true, UsesImportance: true,
		About:    "2.06 bits: eight magnitudes are one of 256 grid points, seven signs tell eight, a 4-bit scale per 32",
		quantize: blockwise(iq2xxsLattice, inSubBlocks(quantizeIQ2XXS)), dequantize: dequantizeIQ2XXS, vector: true,
	},
	{
		Name: "iq2_xs", Bits: 2, Block: 256, Bytes: 74, NeedsImportance: true, UsesImportance: true,
		About:    "2.31 bits: eight magnitudes are one of 512 grid points, seven signs tell eight, a 4-bit scale per 16",
		quantize: blockwise(iq2xsLattice, inSubBlocks(quantizeIQ2XS)), dequantize: dequantizeIQ2XS, vector: true,
	},
	{
		Name: "iq2_s", Bits: 2, Block: 256, Bytes: 82, UsesImportance: true,
		About:    "2.56 bits: eight magnitudes are one of 1024 grid points, signs apart, a 4-bit scale per 16",
		quantize: blockwise(iq2sLattice, inSubBlocks(quantizeIQ2S)), dequantize: dequantizeIQ2S, vector: true,
	},
	{
		Name: "iq3_xxs", Bits: 3, Block: 256, Bytes: 98, UsesImportance: true,
		About:    "3.06 bits: four magnitudes are one of 256 grid points, seven signs tell eight, a 4-bit scale per 32",
		quantize: blockwise(iq3xxsLattice, inSubBlocks(quantizeIQ3XXS)), dequantize: dequantizeIQ3XXS, vector: true,
	},
	{
		Name: "iq3_s", Bits: 3, Block: 256, Bytes: 110, UsesImportance: true,
		About:    "3.44 bits: four magnitudes are one of 512 grid points, signs apart, a 4-bit scale per 32",
		quantize: blockwise(iq3sLattice, inSubBlocks(quantizeIQ3S)), dequantize: dequantizeIQ3S, vector: true,
	},
}

// blockwise returns a function that packs a row block by block with the points
// of a lattice, which is made when the first row comes.
func blockwise(points func() *lattice, block func(l *lattice, dst []byte, x, importance []float32)) func(dst []byte, x, importance []float32) {
	return func(dst []byte, x, importance []float32) {
		l, blocks := points(), len(x)/256
		n := len(dst) / max(1, blocks)
		for i := range blocks {
			block(l, dst[n*i:][:n], x[256*i:][:256], part(importance, i, 256))
		}
	}
}

// inSubBlocks gives a function that packs a block the space that it needs.
func inSubBlocks(block func(l *lattice, blocks *gridBlocks, dst []byte, x, importance []float32)) func(l *lattice, dst []byte, x, importance []float32) {
	return func(l *lattice, dst []byte, x, importance []float32) {
		blocks := gridBlocksPool.Get().(*gridBlocks)
		block(l, blocks, dst, x, importance)
		gridBlocksPool.Put(blocks)
	}
}
