package export

import (
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// quantizationVersion is the version of ggml's blocks, which has not changed since
// 2023.
const quantizationVersion = 2

// fileTypes are the numbers that general.file_type has for files whose weights
// are mostly of one type: LLAMA_FTYPE of llama.cpp, which has several for some
// types and takes these where it has to guess.
var fileTypes = map[string]uint32{
	"F32": 0, "F16": 1, "BF16": 32,
	"Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q8_0": 7,
	"Q2_K": 10, "Q3_K": 12, "Q4_K": 15, "Q5_K": 17, "Q6_K": 18,
	"IQ2_XXS": 19, "IQ2_XS": 20, "IQ2_S": 28, "IQ3_XXS": 23, "IQ3_S": 26,
	"IQ1_S": 24, "IQ1_M": 31, "IQ4_NL": 25, "IQ4_XS": 30,
	"TQ1_0": 36, "TQ2_0": 37, "MXFP4": 38, "NVFP4": 39, "Q1_0": 40, "Q2_0": 41,
}

// fileType returns the number for what most weights of the tensors are stored
// as, biases and norms aside.
func fileType(tensors []Packed) uint32 {
	weights := map[*model.DType]int{}
	most := model.F32
	for _, p := range tensors {
		if !quant.IsWeight(p.Tensor) {
			continue
		}
		if weights[p.As] += p.Len(); weights[p.As] > weights[most] {
			most = p.As
		}
	}
	return fileTypes[most.Name] // 0 for the few types that have no number, as llama.cpp has it
}
