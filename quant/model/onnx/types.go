package onnx

import (
	"math"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

// dataType is how a network stores numbers: one line of the table.
type dataType struct {
	name  string
	dtype *model.DType // what it is read as
	typed int          // the field of typed data: its number in TensorProto
	codes *codes       // of types that are not the dtype's bytes; nil otherwise
}

// codes are numbers of a few bits that stand for values of the dtype.
type codes struct {
	bits   int
	values []uint64 // by code, as the dtype stores them
}

// Fields of TensorProto that hold typed data.
const (
	floatData  = 4
	int32Data  = 5
	int64Data  = 7
	doubleData = 10
	uint64Data = 11
)

// dataTypes are the types by their number. Small ones that no dtype has are read
// as the smallest that holds all their values. Text and complex numbers, which
// are no weights, have a name only.
var dataTypes = map[uint64]*dataType{
	1:  {"float", model.F32, floatData, nil},
	2:  {"uint8", model.U8, int32Data, nil},
	3:  {"int8", model.I8, int32Data, nil},
	4:  {"uint16", model.U16, int32Data, nil},
	5:  {"int16", model.I16, int32Data, nil},
	6:  {"int32", model.I32, int32Data, nil},
	7:  {"int64", model.I64, int64Data, nil},
	8:  {"string", nil, 0, nil},
	9:  {"bool", model.Bool, int32Data, nil},
	10: {"float16", model.F16, int32Data, nil},
	11: {"double", model.F64, doubleData, nil},
	12: {"uint32", model.U32, uint64Data, nil},
	13: {"uint64", model.U64, uint64Data, nil},
	14: {"complex64", nil, 0, nil},
	15: {"complex128", nil, 0, nil},
	16: {"bfloat16", model.BF16, int32Data, nil},
	17: {"float8e4m3fn", model.F8E4M3, int32Data, nil},
	18: {"float8e4m3fnuz", model.F16, int32Data, coded(8, model.F16, small(kernels.E4M3FNUZ))},
	19: {"float8e5m2", model.F8E5M2, int32Data, nil},
	20: {"float8e5m2fnuz", model.F16, int32Data, coded(8, model.F16, small(kernels.E5M2FNUZ))},
	21: {"uint4", model.U8, int32Data, coded(4, model.U8, unsigned)},
	22: {"int4", model.I8, int32Data, coded(4, model.I8, signed(4))},
	23: {"float4e2m1", model.F8E4M3, int32Data, coded(4, model.F8E4M3, small(kernels.E2M1))},
	24: {"float8e8m0", model.BF16, int32Data, coded(8, model.BF16, e8m0)},
	25: {"uint2", model.U8, int32Data, coded(2, model.U8, unsigned)},
	26: {"int2", model.I8, int32Data, coded(2, model.I8, signed(2))},
}

func coded(bits int, dtype *model.DType, value func(code int) float64) *codes {
	c := &codes{bits: bits, values: make([]uint64, 1<<bits)}
	b := make([]byte, 8)
	for code := range c.values {
		clear(b)
		dtype.Encode(b[:dtype.Bytes], []float32{float32(value(code))})
		for i, v := range b {
			c.values[code] |= uint64(v) << (8 * i)
		}
	}
	return c
}

func unsigned(code int) float64 { return float64(code) }

func signed(bits int) func(code int) float64 {
	return func(code int) float64 {
		if code >= 1<<(bits-1) {
			code -= 1 << bits
		}
		return float64(code)
	}
}

// small returns the values of a small float.
func small(f *kernels.Minifloat) func(code int) float64 {
	return func(code int) float64 {
		one := make([]float32, 1)
		f.Decode(one, []byte{byte(code)})
		return float64(one[0])
	}
}

// e8m0 returns powers of two, of which the last is NaN.
func e8m0(code int) float64 {
	if code == 0xff {
		return math.NaN()
	}
	return math.Ldexp(1, code-127)
}
