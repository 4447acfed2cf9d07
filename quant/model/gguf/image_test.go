package gguf

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

// image is a GGUF file that grows.
type image struct {
	b       []byte
	order   binary.AppendByteOrder
	version int
}

// begun returns an image up to its counts.
func begun(order binary.AppendByteOrder, version, tensors, kvs int) *image {
	i := &image{[]byte("GGUF"), order, version}
	return i.u32(version).count(tensors).count(kvs)
}

// little returns an image of version 3.
func little(tensors, kvs int) *image { return begun(binary.LittleEndian, 3, tensors, kvs) }

func (i *image) u32(n int) *image { i.b = i.order.AppendUint32(i.b, uint32(n)); return i }
func (i *image) u64(n int) *image { i.b = i.order.AppendUint64(i.b, uint64(n)); return i }

func (i *image) count(n int) *image {
	if i.version == 1 {
		return i.u32(n)
	}
	return i.u64(n)
}

func (i *image) raw(b ...byte) *image { i.b = append(i.b, b...); return i }

func (i *image) str(s string) *image { return i.count(len(s)).raw([]byte(s)...) }

// kv begins an entry of the metadata.
func (i *image) kv(key string, t Type) *image { return i.str(key).u32(int(t)) }

// array begins an array.
func (i *image) array(of Type, n int) *image { return i.u32(int(of)).count(n) }

// tensor describes a tensor, the innermost dimension first.
func (i *image) tensor(name string, kind, offset int, dims ...int) *image {
	i.str(name).u32(len(dims))
	for _, d := range dims {
		i.count(d)
	}
	return i.u32(kind).u64(offset)
}

// pad adds zeros up to a multiple of n.
func (i *image) pad(n int) *image {
	for len(i.b)%n != 0 {
		i.b = append(i.b, 0)
	}
	return i
}

func (i *image) zeros(n int) *image { return i.raw(make([]byte, n)...) }

// everything returns an image with a value of every type and a few tensors, of
// the same content in every order and version.
func everything(order binary.AppendByteOrder, version int) []byte {
	i := begun(order, version, 3, 17)
	i.kv("general.architecture", String).str("llama")
	i.kv("x.u8", Uint8).raw(200)
	i.kv("x.i8", Int8).raw(0xfe)
	i.kv("x.u16", Uint16)
	i.b = order.AppendUint16(i.b, 60000)
	i.kv("x.i16", Int16)
	i.b = order.AppendUint16(i.b, 0xffff)
	i.kv("x.u32", Uint32).u32(4_000_000_000)
	i.kv("x.i32", Int32).u32(-7)
	i.kv("x.f32", Float32).u32(int(math.Float32bits(0.1)))
	i.kv("x.u64", Uint64)
	i.b = order.AppendUint64(i.b, math.MaxUint64)
	i.kv("x.i64", Int64).u64(math.MinInt64)
	i.kv("x.f64", Float64).u64(int(math.Float64bits(1e-9)))
	i.kv("x.bool", Bool).raw(1)
	i.kv("tokenizer.ggml.tokens", Array).array(String, 10)
	for n := range 10 {
		i.str(string(rune('a' + n)))
	}
	i.kv("x.empty", Array).array(Uint8, 0)
	i.kv("x.nested", Array).array(Array, 2).array(Int16, 2)
	i.b = order.AppendUint16(order.AppendUint16(i.b, 1), 2)
	i.array(Array, 1).array(Bool, 1).raw(0)
	i.kv("x.text", String).str("caf\xe9\n")
	i.kv("general.alignment", Uint32).u32(64)
	i.tensor("blk.0.w", 2, 0, 32, 2) // Q4_0, 36 bytes
	i.tensor("blk.0.b", 0, 64, 3)    // F32, 12 bytes
	i.tensor("blk.0.h", 1, 128, 4)   // F16, 8 bytes
	i.pad(64)
	for _, scale := range []uint16{0x3c00, 0x4000} { // 1 and 2
		i.b = order.AppendUint16(i.b, scale)
		for n := range 16 {
			i.raw(byte(n | (15-n)<<4))
		}
	}
	i.pad(64)
	for _, x := range []float32{1, -2.5, 1e-9} {
		i.u32(int(math.Float32bits(x)))
	}
	i.pad(64)
	for _, x := range []uint16{0x3c00, 0xbc00, 0, 0x7bff} {
		i.b = order.AppendUint16(i.b, x)
	}
	return i.pad(64).b
}

var everythingShown = []model.KeyValue{
	{Key: "general.architecture", Value: "llama", Type: "str"},
	{Key: "x.u8", Value: "200", Type: "u8"},
	{Key: "x.i8", Value: "-2", Type: "i8"},
	{Key: "x.u16", Value: "60000", Type: "u16"},
	{Key: "x.i16", Value: "-1", Type: "i16"},
	{Key: "x.u32", Value: "4000000000", Type: "u32"},
	{Key: "x.i32", Value: "-7", Type: "i32"},
	{Key: "x.f32", Value: "0.1", Type: "f32"},
	{Key: "x.u64", Value: "18446744073709551615", Type: "u64"},
	{Key: "x.i64", Value: "-9223372036854775808", Type: "i64"},
	{Key: "x.f64", Value: "1e-09", Type: "f64"},
	{Key: "x.bool", Value: "true", Type: "bool"},
	{Key: "tokenizer.ggml.tokens", Value: `["a", "b", "c", "d", "e", "f", "g", "h", …]`, Type: "[]str", Items: 10},
	{Key: "x.empty", Value: "[]", Type: "[]u8"},
	{Key: "x.nested", Value: "[[1, 2], [[false]]]", Type: "[]arr", Items: 2},
	{Key: "x.text", Value: "caf\uFFFD\n", Type: "str"},
	{Key: "general.alignment", Value: "64", Type: "u32"},
}

// everythingHeld are the weights of everything's tensors.
var everythingHeld = map[string][]float32{
	"blk.0.w": slices.Concat(counting(1), counting(2)),
	"blk.0.b": {1, -2.5, 1e-9},
	"blk.0.h": {1, -1, 0, 65504},
}

// counting are the 32 weights of a block of Q4_0 whose codes go up and down.
func counting(scale float32) []float32 {
	var x []float32
	for n := range 16 {
		x = append(x, scale*float32(n-8))
	}
	for n := range 16 {
		x = append(x, scale*float32(15-n-8))
	}
	return x
}
