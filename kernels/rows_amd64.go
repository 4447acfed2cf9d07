package kernels

//go:generate go -C _gen run . -blocks -out ../blocks_amd64.s -stubs ../blocks_amd64.go -pkg kernels

// rowCodes is the table of vector code for rows, by format and backend.
var rowCodes = map[string][AVX512 + 1]rowCode{
	"q4_0":  {AVX2: {quantize: quantizeQ4_0AVX2}, AVX512: {quantize: quantizeQ4_0AVX512}},
	"q4_1":  {AVX2: {quantize: quantizeQ4_1AVX2}, AVX512: {quantize: quantizeQ4_1AVX512}},
	"q5_0":  {AVX2: {quantize: quantizeQ5_0AVX2}, AVX512: {quantize: quantizeQ5_0AVX512}},
	"q5_1":  {AVX2: {quantize: quantizeQ5_1AVX2}, AVX512: {quantize: quantizeQ5_1AVX512}},
	"q8_0":  {AVX2: {quantize: quantizeQ8_0AVX2}, AVX512: {quantize: quantizeQ8_0AVX512}},
	"mxfp4": {AVX2: {quantize: quantizeMXFP4AVX2}, AVX512: {quantize: quantizeMXFP4AVX512}},
	"nvfp4": {AVX2: {quantize: quantizeNVFP4AVX2}, AVX512: {quantize: quantizeNVFP4AVX2}},
}
