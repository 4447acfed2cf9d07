package kernels

//go:generate go -C _gen run . -what rows -out ../blocks_amd64.s -stubs ../blocks_amd64.go -pkg kernels

// rowCodes is the table of vector code for rows, by format and backend.
var rowCodes = map[string][AVX512 + 1]rowCode{
	"q4_0": {
		AVX2:   {quantize: quantizeQ4_0AVX2, dequantize: dequantizeQ4_0AVX2},
		AVX512: {quantize: quantizeQ4_0AVX512, dequantize: dequantizeQ4_0AVX512},
	},
	"q4_1": {
		AVX2:   {quantize: quantizeQ4_1AVX2, dequantize: dequantizeQ4_1AVX2},
		AVX512: {quantize: quantizeQ4_1AVX512, dequantize: dequantizeQ4_1AVX512},
	},
	"q5_0": {
		AVX2:   {quantize: quantizeQ5_0AVX2, dequantize: dequantizeQ5_0AVX2},
		AVX512: {quantize: quantizeQ5_0AVX512, dequantize: dequantizeQ5_0AVX512},
	},
	"q5_1": {
		AVX2:   {quantize: quantizeQ5_1AVX2, dequantize: dequantizeQ5_1AVX2},
		AVX512: {quantize: quantizeQ5_1AVX512, dequantize: dequantizeQ5_1AVX512},
	},
	"q8_0": {
		AVX2:   {quantize: quantizeQ8_0AVX2, dequantize: dequantizeQ8_0AVX2},
		AVX512: {quantize: quantizeQ8_0AVX512, dequantize: dequantizeQ8_0AVX512},
	},
	"q1_0": {
		AVX2:   {quantize: quantizeQ1_0AVX2, dequantize: dequantizeQ1_0AVX2},
		AVX512: {quantize: quantizeQ1_0AVX512, dequantize: dequantizeQ1_0AVX512},
	},
	"q2_0": {
		AVX2:   {quantize: quantizeQ2_0AVX2, dequantize: dequantizeQ2_0AVX2},
		AVX512: {quantize: quantizeQ2_0AVX512, dequantize: dequantizeQ2_0AVX512},
	},
	"q2_K": {
		AVX2:   {dequantize: dequantizeQ2KAVX2},
		AVX512: {dequantize: dequantizeQ2KAVX512},
	},
	"q3_K": {
		AVX2:   {dequantize: dequantizeQ3KAVX2},
		AVX512: {dequantize: dequantizeQ3KAVX512},
	},
	"q4_K": {
		AVX2:   {dequantize: dequantizeQ4KAVX2},
		AVX512: {dequantize: dequantizeQ4KAVX512},
	},
	"q5_K": {
		AVX2:   {dequantize: dequantizeQ5KAVX2},
		AVX512: {dequantize: dequantizeQ5KAVX512},
	},
	"q6_K": {
		AVX2:   {dequantize: dequantizeQ6KAVX2},
		AVX512: {dequantize: dequantizeQ6KAVX512},
	},
	"tq1_0": {
		AVX2:   {quantize: quantizeTQ1_0AVX2, dequantize: dequantizeTQ1_0AVX2},
		AVX512: {quantize: quantizeTQ1_0AVX512, dequantize: dequantizeTQ1_0AVX512},
	},
	"tq2_0": {
		AVX2:   {quantize: quantizeTQ2_0AVX2, dequantize: dequantizeTQ2_0AVX2},
		AVX512: {quantize: quantizeTQ2_0AVX512, dequantize: dequantizeTQ2_0AVX512},
	},
	"iq4_nl": {
		AVX2:   {dequantize: dequantizeIQ4NLAVX2},
		AVX512: {dequantize: dequantizeIQ4NLAVX512},
	},
	"iq4_xs": {
		AVX2:   {dequantize: dequantizeIQ4XSAVX2},
		AVX512: {dequantize: dequantizeIQ4XSAVX512},
	},
	"mxfp4": {
		AVX2:   {quantize: quantizeMXFP4AVX2, dequantize: dequantizeMXFP4AVX2},
		AVX512: {quantize: quantizeMXFP4AVX512, dequantize: dequantizeMXFP4AVX512},
	},
	"nvfp4": {
		AVX2:   {quantize: quantizeNVFP4AVX2, dequantize: dequantizeNVFP4AVX2},
		AVX512: {quantize: quantizeNVFP4AVX2, dequantize: dequantizeNVFP4AVX512},
	},
}
