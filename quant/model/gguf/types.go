package gguf

import (
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// typeNames are ggml's types by the number that stands for them in a file, as
// package model names them. The numbers that are left out are of types that were given
// up (4, 5, 31–33, 36–38) or that exist only while a product is computed (9, 15).
var typeNames = map[uint32]string{
	0: "F32", 1: "F16", 28: "F64", 30: "BF16",
	24: "I8", 25: "I16", 26: "I32", 27: "I64",
	2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0",
	10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K",
	16: "IQ2_XXS", 17: "IQ2_XS", 22: "IQ2_S", 18: "IQ3_XXS", 21: "IQ3_S",
	19: "IQ1_S", 29: "IQ1_M", 20: "IQ4_NL", 23: "IQ4_XS",
	34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4", 41: "Q1_0", 42: "Q2_0",
}

// dtypes are the same types themselves.
var dtypes = func() map[uint32]*model.DType {
	byName := map[string]*model.DType{}
	for _, list := range [][]*model.DType{model.DTypes, model.Blocks} {
		for _, d := range list {
			byName[d.Name] = d
		}
	}
	types := map[uint32]*model.DType{}
	for number, name := range typeNames {
		if types[number] = byName[name]; types[number] == nil {
			panic("gguf: there is no type " + name)
		}
	}
	return types
}()

// Type is what a value of the metadata is.
type Type uint32

// The types of values.
const (
	Uint8 Type = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
)

// valueTypes is the table of them: the name and the bytes of one, 0 if they
// vary.
var valueTypes = [...]struct {
	name string
	size int
}{
	Uint8: {"u8", 1}, Int8: {"i8", 1}, Uint16: {"u16", 2}, Int16: {"i16", 2}, Uint32: {"u32", 4}, Int32: {"i32", 4},
	Float32: {"f32", 4}, Bool: {"bool", 1}, String: {"str", 0}, Array: {"arr", 0}, Uint64: {"u64", 8}, Int64: {"i64", 8}, Float64: {"f64", 8},
}

func (t Type) known() bool { return int(t) < len(valueTypes) }

// String returns the reference's name of t.
func (t Type) String() string {
	if !t.known() {
		return fmt.Sprintf("type %d", uint32(t))
	}
	return valueTypes[t].name
}
