package quant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/kernels"
)

// Target is a program that runs quantized models, and which schemes' weights it
// runs. How the codes and scales were found, by rounding and range, is nothing
// to it.
type Target struct {
	Name  string // as --for has it
	About string // what of it runs the schemes, in a sentence

	can        []ability
	candidates string
}

// ability is formats that a target runs and where their dials may stand.
type ability struct {
	formats string // between spaces
	groups  string // granularities, "gN" for groups of any size; "" any
	zero    string // "sym" or "asym"; "" both
	stores  string // of scales; "" any
}

// Targets is the table of targets, with what they support as of 2026.
var Targets = []*Target{
	{
		"llama.cpp", "GGUF: the blocks of ggml, and floats",
		[]ability{{formats: packings + " f32 f16 bf16"}},
		"q2_K q3_K iq3_xxs iq3_s iq4_xs q4_K q5_K q6_K q4_0 iq4_nl q4_1 q5_0 q5_1 q8_0 f16",
	},
	{
		"onnxruntime", "DequantizeLinear up to opset 21, MatMulNBits, MatMulBnb4",
		[]ability{
			{formats: "int4 int8 int16", groups: "tensor channel"},
			{formats: "int2 int4 int8", groups: "g16 g32 g64 g128 g256"},
			{formats: "fp8_e4m3 fp8_e5m2", groups: "tensor channel"},
			{formats: "nf4 fp4_bnb", groups: "g16 g32 g64 g128 g256", stores: "f32 f16 bf16"},
			{formats: "f32 f16 bf16"},
		},
		"int4:channel int4:g128 int4:g32 int4:g32:asym int8 int8:channel int8:g32 f16",
	},
	{
		"mlx", "mx.quantize: a scale and a bias for each group, or microscaling",
		[]ability{
			{formats: "int2 int3 int4 int5 int6 int8", groups: "g32 g64 g128", zero: "asym", stores: "f32 f16 bf16"},
			{formats: "mxfp4 mxfp8_e4m3 nvfp4 f32 f16 bf16"},
		},
		"int2:g64:asym int3:g64:asym int3:g32:asym mxfp4 int4:g128:asym int4:g64:asym int4:g32:asym nvfp4 int5:g64:asym int6:g64:asym int8:g64:asym f16",
	},
	{
		"compressed-tensors", "compressed-tensors' formats, as vLLM and transformers load them",
		[]ability{
			{formats: "int4 int8", groups: "channel g32 g64 g128"},
			{formats: "int8", groups: "tensor", zero: "sym"},
			{formats: "fp8_e4m3", groups: "tensor channel"},
			{formats: "nvfp4 mxfp4 mxfp8_e4m3 f32 f16 bf16"},
		},
		"int4:channel int4:g128 mxfp4 int4:g32 nvfp4 fp8_e4m3:channel int8:channel int8:g32 f16",
	},
	{
		"torchao", "quantize_ with IntxWeightOnly, Int4, Int8, Float8, MX and NVFP4 configurations",
		[]ability{
			{formats: "int1 int2 int3 int4 int5 int6 int7 int8", groups: "channel gN"},
			{formats: "int8", groups: "tensor", zero: "sym"},
			{formats: "fp8_e4m3 fp8_e5m2", groups: "tensor channel"},
			{formats: "mxfp4 mxfp6_e2m3 mxfp6_e3m2 mxfp8_e4m3 mxfp8_e5m2 nvfp4 f32 f16 bf16"},
			{formats: "nf4", groups: "g64", stores: "dq"},
		},
		"int2:g32 int3:g32 int3:g128 int4:channel int4:g128 int4:g32 int5:g32 int6:g32 int8:channel int8:g32 f16",
	},
	{
		"coreml", "linear quantization and palettization of Core ML Tools",
		[]ability{
			{formats: "int4 int8", groups: "tensor channel gN"},
			{formats: "kmeans1 kmeans2 kmeans3 kmeans4 kmeans6 kmeans8", groups: "tensor channel", stores: "f32 f16"},
			{formats: "f32 f16"},
		},
		"kmeans2 kmeans3 kmeans4 kmeans6 int4:channel int4:g32 int8:channel f16",
	},
	{
		"bitsandbytes", "Linear4bit and Linear8bitLt",
		[]ability{
			{formats: "nf4 fp4_bnb", groups: "g32 g64 g128 g256 g512 g1024 g2048 g4096", stores: "f32 dq"},
			{formats: "int8", groups: "channel", zero: "sym"},
			{formats: "f32 f16 bf16"},
		},
		"nf4:g64:scale=dq nf4:g64:scale=f32 int8:channel f16",
	},
	{
		"tensorrt", "weights of TensorRT's quantized layers",
		[]ability{
			{formats: "int8", groups: "tensor channel", zero: "sym"},
			{formats: "int4", groups: "g64 g128", zero: "sym"},
			{formats: "fp8_e4m3", groups: "tensor channel"},
			{formats: "nvfp4 mxfp8_e4m3 f32 f16 bf16"},
		},
		"int4:g128 int4:g64 nvfp4 fp8_e4m3:channel int8:channel f16",
	},
	{
		"litert", "LiteRT, once TensorFlow Lite: weights of its quantized operators",
		[]ability{
			{formats: "int4 int8", groups: "tensor channel", zero: "sym"},
			{formats: "f32 f16"},
		},
		"int4:channel int8:channel f16",
	},
}

// packings are the names of ggml's blocks.
var packings = func() string {
	var list []string
	for _, f := range kernels.Formats {
		if f.Packing != nil {
			list = append(list, f.Name)
		}
	}
	return strings.Join(list, " ")
}()

// TargetOf returns the target called name, nil if there is none.
func TargetOf(name string) *Target {
	return lookup(Targets, name, func(t *Target) string { return t.Name })
}

// Candidates returns the schemes that a plan for t chooses from where nothing
// else is asked for.
func (t *Target) Candidates() []Scheme { return schemesOf(t.candidates) }

// Candidates are the schemes that a plan chooses from where no target is named.
func Candidates() []Scheme {
	return schemesOf("int2:g32 int3:g32 int4:g128 int4:g32 int5:g32 int6:g32 int8:g32 f16")
}

// schemesOf reads the schemes of a table, between spaces.
func schemesOf(list string) []Scheme {
	var schemes []Scheme
	for text := range strings.FieldsSeq(list) {
		s, err := Parse(text)
		if err != nil {
			panic(err) // the table is wrong
		}
		schemes = append(schemes, s)
	}
	return schemes
}

// WhyNot returns why t does not run weights under s, and what it runs, or "" if
// it does. Whether the rows of a tensor fit is another question:
// [Scheme.WhyNot].
func (t *Target) WhyNot(s Scheme) string {
	if s.Keep() {
		return ""
	}
	var why []string
	for _, a := range t.can {
		if !has(a.formats, s.Format.Name) {
			continue
		}
		not := a.whyNot(s)
		if not == "" {
			return ""
		}
		why = append(why, not)
	}
	if len(why) > 0 {
		return fmt.Sprintf("%s runs %s with %s", t.Name, s.Format.Name, strings.Join(why, ", or "))
	}
	return fmt.Sprintf("%s has no %s; it runs %s", t.Name, s.Format.Name, strings.Join(t.formats(), " "))
}

// whyNot returns what the dials of s would have to be, "" if they are.
func (a ability) whyNot(s Scheme) string {
	var want []string
	runs := has(a.groups, s.Granularity.String()) || s.Granularity > 0 && has(a.groups, "gN")
	if a.groups != "" && !runs {
		want = append(want, strings.ReplaceAll(a.groups, " ", "|"))
	}
	if a.zero != "" && s.Has(kernels.ZeroPoint) && s.Asymmetric != (a.zero == "asym") {
		want = append(want, a.zero)
	}
	if a.stores != "" && s.Store != nil && !has(a.stores, s.Store.Name) {
		want = append(want, "scale="+strings.ReplaceAll(a.stores, " ", "|"))
	}
	return strings.Join(want, ":")
}

// formats lists the names of what t runs, in the order of the table of formats.
func (t *Target) formats() []string {
	var list []string
	for _, f := range kernels.Formats {
		if slices.ContainsFunc(t.can, func(a ability) bool { return has(a.formats, f.Name) }) {
			list = append(list, f.Name)
		}
	}
	return list
}

// has reports whether word is one of list's, between spaces.
func has(list, word string) bool { return slices.Contains(strings.Fields(list), word) }
