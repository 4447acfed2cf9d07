package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
)

// stored is a tensor of a file.
type stored struct {
	Entry
	data []byte
}

// whole returns a tensor of numbers that its type holds exactly.
func whole(name string, d *model.DType, shape []int, x ...float32) stored {
	n, _ := model.Count(shape)
	if len(x) == 1 {
		x = slices.Repeat(x, n)
	}
	size, _ := d.Size(n)
	b := make([]byte, size)
	d.Encode(b, x)
	return stored{Entry{name, d, shape}, b}
}

// raw returns a tensor of bytes.
func raw(name string, d *model.DType, shape []int, b []byte) stored {
	return stored{Entry{name, d, shape}, b}
}

// file returns a file that holds tensors.
func file(t testing.TB, tensors ...stored) []byte {
	t.Helper()
	var out bytes.Buffer
	entries := make([]Entry, len(tensors))
	for i, s := range tensors {
		entries[i] = s.Entry
	}
	if err := Write(&out, nil, entries, func(i int, w io.Writer) error {
		_, err := w.Write(tensors[i].data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// checkout returns a folder with a model of these tensors.
func checkout(t testing.TB, config string, tensors ...stored) string {
	t.Helper()
	dir := t.TempDir()
	if config != "" {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), file(t, tensors...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// matrix is what a quantizer works with: a code, and for each group of columns of
// a row a scale and a zero point.
type matrix struct {
	rows, cols, bits  int
	code, group       func(row, col int) int
	scale, zero       func(row, group int) float32
	groups, groupSize int
}

// drawn returns a matrix with codes of so many bits, in groups of columns.
func drawn(rows, cols, bits, group int) matrix {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(cols*bits)))
	codes, zeros := make([]int, rows*cols), make([]int, rows*cols)
	for i := range codes {
		codes[i], zeros[i] = r.IntN(1<<bits), 1+r.IntN(1<<bits-1)
	}
	return matrix{
		rows: rows, cols: cols, bits: bits, groups: cols / group, groupSize: group,
		code:  func(row, col int) int { return codes[row*cols+col] },
		group: func(_, col int) int { return col / group },
		scale: func(row, g int) float32 { return float32(1+row%7+3*g) / 64 },
		zero:  func(row, g int) float32 { return float32(zeros[row*cols+g]) },
	}
}

// weights returns the weights that m stands for, row by row.
func (m matrix) weights() []float32 {
	var w []float32
	for row := range m.rows {
		for col := range m.cols {
			g := m.group(row, col)
			w = append(w, (float32(m.code(row, col))-m.zero(row, g))*m.scale(row, g))
		}
	}
	return w
}

// bits stores the lowest n bits of v in words, one by one from bit at of the word
// first on; the words of the sequence are step apart.
func bits(words []uint32, first, step, at, n, v int) {
	for i := range n {
		words[first+(at+i)/32*step] |= uint32(v>>i&1) << ((at + i) % 32)
	}
}

func int32s(words []uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// numbers returns f of every row and group, the groups outside if turned.
func (m matrix) numbers(turned bool, f func(row, group int) float32) (x []float32) {
	if turned {
		for g := range m.groups {
			for row := range m.rows {
				x = append(x, f(row, g))
			}
		}
		return x
	}
	for row := range m.rows {
		for g := range m.groups {
			x = append(x, f(row, g))
		}
	}
	return x
}

// gptq returns m as GPTQ stores it, with its zero points less so much.
func (m matrix) gptq(base string, less int, index ...float32) []stored {
	words, zeroWords := m.cols*m.bits/32, m.rows*m.bits/32
	codes, zeros := make([]uint32, words*m.rows), make([]uint32, m.groups*zeroWords)
	for row := range m.rows {
		for col := range m.cols {
			bits(codes, row, m.rows, col*m.bits, m.bits, m.code(row, col))
		}
		for g := range m.groups {
			bits(zeros, g*zeroWords, 1, row*m.bits, m.bits, int(m.zero(row, g))-less)
		}
	}
	list := []stored{
		raw(base+".qweight", model.I32, []int{words, m.rows}, int32s(codes)),
		raw(base+".qzeros", model.I32, []int{m.groups, zeroWords}, int32s(zeros)),
		whole(base+".scales", model.F16, []int{m.groups, m.rows}, m.numbers(true, m.scale)...),
	}
	if index != nil {
		list = append(list, whole(base+".g_idx", model.I32, []int{m.cols}, index...))
	}
	return list
}

// awq returns m as AWQ stores it.
func (m matrix) awq(base string) []stored {
	order := [8]int{0, 2, 4, 6, 1, 3, 5, 7} // the output that is the i-th of a word
	words := m.rows / 8
	codes, zeros := make([]uint32, m.cols*words), make([]uint32, m.groups*words)
	for word := range words {
		for i, o := range order {
			for col := range m.cols {
				codes[col*words+word] |= uint32(m.code(8*word+o, col)) << (4 * i)
			}
			for g := range m.groups {
				zeros[g*words+word] |= uint32(m.zero(8*word+o, g)) << (4 * i)
			}
		}
	}
	return []stored{
		raw(base+".qweight", model.I32, []int{m.cols, words}, int32s(codes)),
		raw(base+".qzeros", model.I32, []int{m.groups, words}, int32s(zeros)),
		whole(base+".scales", model.F16, []int{m.groups, m.rows}, m.numbers(true, m.scale)...),
	}
}

// packed returns m as compressed-tensors packs it, as its newer versions do or, if
// apart, as its older ones did.
func (m matrix) packed(base string, asymmetric, apart bool) []stored {
	place := func(i int) int { return i * m.bits }
	count := func(n int) int { return (n*m.bits + 31) / 32 }
	if per := 32 / m.bits; apart {
		place = func(i int) int { return i/per*32 + i%per*m.bits }
		count = func(n int) int { return (n + per - 1) / per }
	}
	words, zeroWords := count(m.cols), count(m.rows)
	codes, zeros := make([]uint32, m.rows*words), make([]uint32, zeroWords*m.groups)
	for row := range m.rows {
		for col := range m.cols {
			bits(codes, row*words, 1, place(col), m.bits, m.code(row, col))
		}
		for g := range m.groups {
			bits(zeros, g, m.groups, place(row), m.bits, int(m.zero(row, g)))
		}
	}
	list := []stored{
		raw(base+".weight_packed", model.I32, []int{m.rows, words}, int32s(codes)),
		whole(base+".weight_scale", model.BF16, []int{m.rows, m.groups}, m.numbers(false, m.scale)...),
		whole(base+".weight_shape", model.I64, []int{2}, float32(m.rows), float32(m.cols)),
	}
	if asymmetric {
		list = append(list, raw(base+".weight_zero_point", model.I32, []int{zeroWords, m.groups}, int32s(zeros)))
	}
	return list
}

// pairs returns codes of four bits, two in a byte.
func pairs(n int, high bool, code func(i int) int) []byte {
	b := make([]byte, (n+1)/2)
	for i := range n {
		if (i%2 == 0) == high {
			b[i/2] |= byte(code(i) << 4)
		} else {
			b[i/2] |= byte(code(i))
		}
	}
	return b
}

// e2m1 is the table of the OCP specification.
var e2m1 = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -0.5, -1, -1.5, -2, -3, -4, -6}

// nf4 is what bitsandbytes writes as its quant_map.
var nf4 = []float32{
	-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
	0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
}

// quantizedCase is a checkpoint of one weight.
type quantizedCase struct {
	name     string
	config   string
	tensors  []stored
	want     string // of the tensor
	dtype    *model.DType
	shape    []int
	encoding string
	weights  []float32
}

func gptqConfig(bits int, more string) string {
	return fmt.Sprintf(`{"model_type":"llama","quantization_config":{"quant_method":"gptq","bits":%d,"group_size":32%s}}`, bits, more)
}

// quantizedCases lists a checkpoint of each kind.
func quantizedCases() (cases []quantizedCase) {
	add := func(name, config string, tensors []stored, want string, d *model.DType, encoding string, m matrix) {
		cases = append(cases, quantizedCase{name, config, tensors, want, d, []int{m.rows, m.cols}, encoding, m.weights()})
	}
	ints := map[int]*model.DType{2: model.Int2, 3: model.Int3, 4: model.Int4, 5: model.Int5, 6: model.Int6, 8: model.Int8}
	for _, n := range []int{2, 3, 4, 8} {
		m := drawn(64, 96, n, 32)
		add(fmt.Sprintf("gptq of %d bits", n), gptqConfig(n, ""), m.gptq("l.0.q", 1), "l.0.q.weight", ints[n], "GPTQ, groups of 32", m)
		add(fmt.Sprintf("gptq_v2 of %d bits", n), gptqConfig(n, `,"checkpoint_format":"gptq_v2"`), m.gptq("q", 0), "q.weight", ints[n], "GPTQ, groups of 32", m)
		add(fmt.Sprintf("gptq of %d bits without a config", n), "", m.gptq("q", 1), "q.weight", ints[n], "GPTQ, groups of 32", m)
	}
	m := drawn(32, 64, 4, 16)
	index := make([]float32, m.cols)
	for i := range index {
		index[i] = float32((i*5 + 3) % m.groups)
	}
	m.group = func(_, col int) int { return int(index[col]) }
	add("gptq in order of activation", gptqConfig(4, `,"desc_act":true`), m.gptq("q", 1, index...), "q.weight", model.Int4, "GPTQ, groups of 16 in order of activation", m)
	m = drawn(32, 64, 4, 64)
	add("gptq with a scale per row", gptqConfig(4, ""), m.gptq("q", 1), "q.weight", model.Int4, "GPTQ, a scale per row", m)

	m = drawn(64, 96, 4, 32)
	add("awq", `{"quantization_config":{"quant_method":"awq","bits":4,"group_size":32,"zero_point":true,"version":"gemm"}}`, m.awq("q"), "q.weight", model.Int4, "AWQ, groups of 32", m)
	add("awq without a config", "", m.awq("q"), "q.weight", model.Int4, "AWQ, groups of 32", m)

	for _, n := range []int{2, 3, 4, 5, 6, 8} {
		m := drawn(33, 96, n, 32)
		config := fmt.Sprintf(`{"quantization_config":{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":%d,"type":"int","group_size":32}}}}}`, n)
		add(fmt.Sprintf("packed in %d bits", n), config, m.packed("q", true, false), "q.weight", ints[n], "compressed-tensors, groups of 32", m)
		add(fmt.Sprintf("packed in %d bits as before", n), config, m.packed("q", true, true), "q.weight", ints[n], "compressed-tensors, groups of 32", m)
		m.zero = func(int, int) float32 { return float32(int(1) << (n - 1)) }
		add(fmt.Sprintf("packed in %d bits, symmetric, without a config", n), "", m.packed("q", false, false), "q.weight", ints[n], "compressed-tensors, groups of 32", m)
	}
	m = drawn(8, 64, 4, 16)
	m.zero = func(int, int) float32 { return 8 }
	m.group = func(_, col int) int { return int(index[col]) }
	add("packed in order of activation", `{"quantization_config":{"config_groups":{"g":{"weights":{"num_bits":4,"actorder":"group"}}}}}`,
		append(m.packed("q", false, false), whole("q.weight_g_idx", model.I32, []int{64}, index...)),
		"q.weight", model.Int4, "compressed-tensors, groups of 16 in order of activation", m)

	return append(append(cases, byteCases()...), floatCases()...)
}

// byteCases are weights of a byte with scales.
func byteCases() (cases []quantizedCase) {
	const rows, cols = 6, 8
	codes := make([]byte, rows*cols)
	for i := range codes {
		codes[i] = byte(i*37 + 11)
		if codes[i]&0x7f == 0x7f {
			codes[i]-- // NaN in e4m3
		}
	}
	add := func(name string, d, as *model.DType, encoding string, scale func(row, col int) float32, zero float32, parts ...stored) {
		x := make([]float32, len(codes))
		d.Decode(x, codes)
		for i := range x {
			x[i] = (x[i] - zero) * scale(i/cols, i%cols)
		}
		tensors := append([]stored{raw("q.weight", d, []int{rows, cols}, codes)}, parts...)
		cases = append(cases, quantizedCase{name, "", tensors, "q.weight", as, []int{rows, cols}, encoding, x})
	}
	add("fp8 with one scale", model.F8E4M3, model.FP8E4M3, "one scale", func(int, int) float32 { return 0.25 }, 0,
		whole("q.weight_scale", model.F32, nil, 0.25))
	add("fp8 with a scale per row", model.F8E5M2, model.FP8E5M2, "a scale per row", func(row, _ int) float32 { return float32(row + 1) }, 0,
		whole("q.weight_scale", model.BF16, []int{rows, 1}, 1, 2, 3, 4, 5, 6))
	add("int8 with zero points", model.I8, model.Int8, "a scale per row", func(row, _ int) float32 { return float32(row+1) / 8 }, 3,
		whole("q.weight_scale", model.F16, []int{rows, 1}, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75),
		whole("q.weight_zero_point", model.I8, []int{rows, 1}, 3))
	add("fp8 in blocks of 3×4", model.F8E4M3, model.FP8E4M3, "blocks of 3×4", func(row, col int) float32 { return float32(1 + row/3*2 + col/4) }, 0,
		whole("q.weight_scale_inv", model.F32, []int{2, 2}, 1, 2, 3, 4))
	add("int8 of bitsandbytes", model.I8, model.Int8, "bitsandbytes, a scale per row", func(row, _ int) float32 { return float32(row+1) / 127 }, 0,
		whole("q.SCB", model.F32, []int{rows}, 1, 2, 3, 4, 5, 6), whole("q.weight_format", model.U8, nil, 0))

	// A last group that is smaller: two scales for eight columns are not four each.
	add("int8 in groups of 5 and 3", model.I8, model.Int8, "groups of 5", func(_, col int) float32 { return float32(1 + col/5) }, 0,
		whole("q.weight_scale", model.F16, []int{rows, 2}, slices.Repeat([]float32{1, 2}, rows)...))
	cases[len(cases)-1].config = `{"quantization_config":{"config_groups":{"group_0":{"weights":{"group_size":5}}}}}`

	// Blocks of 128×128 that the edges cut.
	const tall, wide = 130, 129
	blocks := quantizedCase{
		name: "fp8 as DeepSeek has it", config: `{"quantization_config":{"quant_method":"fp8","fmt":"e4m3","weight_block_size":[128,128]}}`,
		want: "q.weight", dtype: model.FP8E4M3, shape: []int{tall, wide}, encoding: "blocks of 128×128",
		tensors: []stored{whole("q.weight", model.F8E4M3, []int{tall, wide}, 1.5), whole("q.weight_scale_inv", model.F32, []int{2, 2}, 1, 2, 3, 4)},
	}
	for i := range tall * wide {
		blocks.weights = append(blocks.weights, 1.5*float32(1+i/wide/128*2+i%wide/128))
	}
	mx := quantizedCase{
		name: "mxfp8", want: "q.weight", dtype: model.MXFP8, shape: []int{2, 64}, encoding: "groups of 32",
		tensors: []stored{whole("q.weight", model.F8E4M3, []int{2, 64}, 3), raw("q.weight_scale", model.U8, []int{2, 2}, []byte{127, 128, 126, 130})},
	}
	for _, x := range []float32{3, 6, 1.5, 24} {
		mx.weights = append(mx.weights, slices.Repeat([]float32{x}, 32)...)
	}
	return append(cases, blocks, mx)
}

// floatCases are weights of four bits that stand for floats.
func floatCases() (cases []quantizedCase) {
	code := func(i int) int { return (i*7 + i/16) % 16 }
	fp4 := func(n, group int, scale func(g int) float32) (x []float32) {
		for i := range n {
			x = append(x, e2m1[code(i)]*scale(i/group))
		}
		return x
	}
	exponents := []byte{127, 120, 130, 127, 0, 254}
	power := func(g int) float32 { return float32(math.Ldexp(1, int(exponents[g])-127)) }
	nv := []float32{1, 1.5, 2, 448, 0.5, 0.0625, 3, 4}
	cases = append(
		cases,
		quantizedCase{
			"pairs of gpt-oss", `{"model_type":"gpt_oss","quantization_config":{"quant_method":"mxfp4"}}`,
			[]stored{raw("m.gate_up_proj_blocks", model.U8, []int{2, 1, 3, 16}, pairs(192, false, code)), raw("m.gate_up_proj_scales", model.U8, []int{2, 1, 3}, exponents)},
			"m.gate_up_proj", model.MXFP4,
			[]int{2, 1, 96},
			"groups of 32", fp4(192, 32, power),
		},
		quantizedCase{
			"mxfp4 of compressed-tensors", "",
			[]stored{raw("q.weight_packed", model.U8, []int{2, 48}, pairs(192, false, code)), raw("q.weight_scale", model.U8, []int{2, 3}, exponents)},
			"q.weight", model.MXFP4,
			[]int{2, 96},
			"groups of 32", fp4(192, 32, power),
		},
		quantizedCase{
			"nvfp4 of compressed-tensors", "",
			[]stored{raw("q.weight_packed", model.U8, []int{2, 32}, pairs(128, false, code)), whole("q.weight_scale", model.F8E4M3, []int{2, 4}, nv...), whole("q.weight_global_scale", model.F32, []int{1}, 8)},
			"q.weight", model.NVFP4,
			[]int{2, 64},
			"groups of 16", fp4(128, 16, func(g int) float32 { return nv[g] / 8 }),
		},
		quantizedCase{
			"nvfp4 of ModelOpt", "",
			[]stored{raw("q.weight", model.U8, []int{2, 32}, pairs(128, false, code)), whole("q.weight_scale", model.F8E4M3, []int{2, 4}, nv...), whole("q.weight_scale_2", model.F32, nil, 0.125)},
			"q.weight", model.NVFP4,
			[]int{2, 64},
			"groups of 16", fp4(128, 16, func(g int) float32 { return nv[g] * 0.125 }),
		},
	)
	return append(cases, codebookCases(code)...)
}

func codebookCases(code func(i int) int) (cases []quantizedCase) {
	const n = 5 * 39 // an odd number, whose last block is cut
	absmax := []float32{0.5, 2, 1, 4}
	plain := quantizedCase{
		name: "nf4", want: "q.weight", dtype: model.NF4, shape: []int{5, 39}, encoding: "bitsandbytes, groups of 64",
		tensors: []stored{
			raw("q.weight", model.U8, []int{n/2 + 1, 1}, pairs(n, true, code)),
			whole("q.weight.absmax", model.F32, []int{4}, absmax...), whole("q.weight.quant_map", model.F32, []int{16}, nf4...),
			description("q.weight.quant_state.bitsandbytes__nf4", `{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [5, 39]}`),
		},
	}
	for i := range n {
		plain.weights = append(plain.weights, nf4[code(i)]*absmax[i/64])
	}
	fp4 := make([]float32, 16)
	for i, v := range []float32{0, 0.0625, 8, 12, 4, 6, 2, 3} {
		fp4[i], fp4[8+i] = v/12, -v/12
	}
	twice := make([]float32, 256)
	for i := range twice {
		twice[i] = float32(i-128) / 128
	}
	nested := quantizedCase{
		name: "fp4 with nested scales", want: "q.weight", dtype: model.FP4, shape: []int{6, 32}, encoding: "bitsandbytes, groups of 64 with scales in groups of 2",
		tensors: []stored{
			raw("q.weight", model.BF16, []int{48, 1}, pairs(192, true, code)), // as another type of storage
			raw("q.weight.absmax", model.U8, []int{3}, []byte{0, 200, 255}), whole("q.weight.quant_map", model.F32, []int{16}, fp4...),
			whole("q.weight.nested_absmax", model.F32, []int{2}, 0.5, 3), whole("q.weight.nested_quant_map", model.F32, []int{256}, twice...),
			description("q.weight.quant_state.bitsandbytes__fp4", `{"quant_type":"fp4","blocksize":64,"shape":[6,32],"nested_blocksize":2,"nested_dtype":"float32","nested_offset":0.25}`),
		},
	}
	for i := range 192 {
		scale := []float32{-1*0.5 + 0.25, 72.0/128*0.5 + 0.25, 127.0/128*3 + 0.25}[i/64]
		nested.weights = append(nested.weights, fp4[code(i)]*scale)
	}
	return append(cases, plain, nested)
}

func description(name, text string) stored {
	return raw(name, model.U8, []int{len(text)}, []byte(text))
}

func TestQuantizedWeightsAreTheTensorThatTheyStandFor(t *testing.T) {
	for _, c := range quantizedCases() {
		t.Run(c.name, func(t *testing.T) {
			beside := whole("q.bias", model.F32, []int{2}, 1)
			m, err := Open(checkout(t, c.config, append(c.tensors, beside)...))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			if len(m.Tensors) != 2 {
				t.Fatalf("%d tensors, want the weight and the bias", len(m.Tensors))
			}
			w := modeltest.Tensor(t, m, c.want)
			size := int64(0)
			for _, s := range c.tensors {
				size += int64(len(s.data))
			}
			if w.DType != c.dtype || !slices.Equal(w.Shape, c.shape) || w.Encoding != c.encoding || w.Bytes() != size {
				t.Errorf("%s %v, %q of %d bytes; want %s %v, %q of %d", w.DType, w.Shape, w.Encoding, w.Bytes(), c.dtype, c.shape, c.encoding, size)
			}
			got := modeltest.Weights(t, w)
			for i, x := range got {
				if want := c.weights[i]; x != want && (x == x || want == want) {
					t.Fatalf("weight %d is %v, want %v", i, x, want)
				}
			}
			modeltest.ReadAll(t, m, 1<<20)
		})
	}
}

// TestThreeBitsLieAcrossWords holds the layout to what GPTQ's packing writes out:
// the 11th and the 22nd of 32 codes are cut.
func TestThreeBitsLieAcrossWords(t *testing.T) {
	for _, c := range []struct {
		at    int
		words [3]uint32 // with 7 at that place
	}{
		{0, [3]uint32{7, 0, 0}},
		{9, [3]uint32{7 << 27, 0, 0}},
		{10, [3]uint32{3 << 30, 1, 0}},
		{11, [3]uint32{0, 7 << 1, 0}},
		{21, [3]uint32{0, 1 << 31, 3}},
		{22, [3]uint32{0, 0, 7 << 2}},
		{31, [3]uint32{0, 0, 7 << 29}},
	} {
		codes, zeros := make([]uint32, 3*32), make([]uint32, 3)
		for i, w := range c.words {
			codes[i*32+5] = w
		}
		m, err := Parse("three", file(
			t,
			raw("q.qweight", model.I32, []int{3, 32}, int32s(codes)), raw("q.qzeros", model.I32, []int{1, 3}, int32s(zeros)),
			whole("q.scales", model.F16, []int{1, 32}, 1)))
		if err != nil {
			t.Fatal(err)
		}
		x := modeltest.Weights(t, modeltest.Tensor(t, m, "q.weight"))
		if x[5*32+c.at] != 6 || x[4*32+c.at] != -1 || x[5*32+(c.at+1)%32] != -1 {
			t.Errorf("code %d: %v", c.at, x[5*32:6*32])
		}
	}
}

func TestWhatDoesNotFitTogetherIsListedPlainly(t *testing.T) {
	without := func(list []stored, end string) []stored {
		return slices.DeleteFunc(slices.Clone(list), func(s stored) bool { return strings.HasSuffix(s.Name, end) })
	}
	with := func(list []stored, s stored) []stored {
		return append(without(list, s.Name), s)
	}
	m := drawn(32, 64, 4, 16)
	gptq, awq, packed := m.gptq("q", 1), m.awq("q"), m.packed("q", true, false)
	nf4 := quantizedCases()
	book := nf4[slices.IndexFunc(nf4, func(c quantizedCase) bool { return c.name == "nf4" })].tensors
	state := func(text string) stored { return description("q.weight.quant_state.bitsandbytes__nf4", text) }
	for _, c := range []struct {
		what    string
		config  string
		tensors []stored
	}{
		{"codes without scales", "", without(gptq, "scales")},
		{"codes without zero points", "", without(gptq, "qzeros")},
		{"a weight of that name", "", append(gptq, whole("q.weight", model.F32, []int{1}, 1))},
		{"scales of half a byte", "", with(gptq, raw("q.scales", model.F4, []int{4, 32}, make([]byte, 64)))},
		{"scales of another width", "", with(gptq, whole("q.scales", model.F16, []int{4, 31}, 1))},
		{"more zero points than scales", "", with(gptq, whole("q.qzeros", model.I32, []int{5, 4}, 1))},
		{"zero points of five bits", "", with(gptq, whole("q.qzeros", model.I32, []int{4, 5}, 1))},
		{"an index of another length", "", append(gptq, whole("q.g_idx", model.I32, []int{63}, 1))},
		{"more groups than columns", "", append(with(with(gptq, whole("q.scales", model.F16, []int{65, 32}, 1)), whole("q.qzeros", model.I32, []int{65, 4}, 1)), whole("q.g_idx", model.I32, []int{64}, 1))},
		{"groups that do not divide the columns", "", with(with(gptq, whole("q.scales", model.F16, []int{7, 32}, 1)), whole("q.qzeros", model.I32, []int{7, 4}, 1))},
		{"another packing of GPTQ", gptqConfig(4, `,"checkpoint_format":"gptq_p"`), gptq},
		{"AWQ of eight bits", `{"quantization_config":{"bits":8}}`, awq},
		{"codes that are floats", "", with(gptq, whole("q.qweight", model.F32, []int{8, 32}, 1))},
		{"no scales", "", with(with(gptq, whole("q.scales", model.F16, []int{0, 32})), whole("q.qzeros", model.I32, []int{0, 4}))},
		{"words without a shape", "", without(packed, "shape")},
		{"a shape of more rows", "", with(packed, whole("q.weight_shape", model.I64, []int{2}, 33, 64))},
		{"a shape of many columns", "", with(packed, raw("q.weight_shape", model.I64, []int{2}, append([]byte{32, 0, 0, 0, 0, 0, 0, 0}, 0, 0, 0, 0, 0, 0, 0, 0x40)))},
		{"a negative shape", "", with(packed, raw("q.weight_shape", model.I64, []int{2}, append([]byte{32, 0, 0, 0, 0, 0, 0, 0}, bytes.Repeat([]byte{0xff}, 8)...)))},
		{"a shape without columns", "", with(packed, whole("q.weight_shape", model.I64, []int{2}, 32, 0))},
		{"zero points that are too few", "", with(packed, whole("q.weight_zero_point", model.I32, []int{3, 4}, 1))},
		{"scales of fewer rows", "", with(packed, whole("q.weight_scale", model.F16, []int{31, 4}, 1))},
		{"fp8 with too many scales", "", []stored{whole("q.weight", model.F8E4M3, []int{4, 4}, 1), whole("q.weight_scale", model.F32, []int{3, 5}, 1)}},
		{"fp8 in groups of which nothing says how large they are", "", []stored{whole("q.weight", model.F8E4M3, []int{4, 9}, 1), whole("q.weight_scale", model.F32, []int{4, 2}, 1)}},
		{"fp8 with scales that are integers", "", []stored{whole("q.weight", model.F8E4M3, []int{4, 4}, 1), whole("q.weight_scale", model.I32, nil, 1)}},
		{"floats with scales", "", []stored{whole("q.weight", model.F16, []int{4, 4}, 1), whole("q.weight_scale", model.F32, nil, 1)}},
		{"nothing with scales", "", []stored{whole("q.weight", model.F8E4M3, []int{0, 4}), whole("q.weight_scale", model.F32, []int{0, 1})}},
		{"int8 of bitsandbytes in tiles", "", []stored{whole("q.weight", model.I8, []int{4, 4}, 1), whole("q.SCB", model.F32, []int{4}, 1), whole("q.weight_format", model.U8, nil, 1)}},
		{"blocks of another length", "", []stored{whole("m_blocks", model.U8, []int{2, 3, 15}, 1), whole("m_scales", model.U8, []int{2, 3}, 1)}},
		{"blocks with fewer scales", "", []stored{whole("m_blocks", model.U8, []int{2, 3, 16}, 1), whole("m_scales", model.U8, []int{2, 2}, 1)}},
		{"nvfp4 without a scale for all", "", []stored{whole("q.weight_packed", model.U8, []int{2, 8}, 1), whole("q.weight_scale", model.F8E4M3, []int{2, 1}, 1)}},
		{"a codebook without a description", "", without(book, "nf4")},
		{"a codebook of 15 values", "", with(book, whole("q.weight.quant_map", model.F32, []int{15}, 1))},
		{"a description that is no JSON", "", with(book, state(`{"blocksize":64`))},
		{"a description of another shape", "", with(book, state(`{"blocksize":64,"shape":[5,41]}`))},
		{"a description of a huge shape", "", with(book, state(`{"blocksize":64,"shape":[4611686018427387904,4]}`))},
		{"a description of a negative shape", "", with(book, state(`{"blocksize":64,"shape":[-5,-39]}`))},
		{"blocks of no weights", "", with(book, state(`{"blocksize":0,"shape":[5,39]}`))},
		{"blocks of a negative length", "", with(book, state(`{"blocksize":-64,"shape":[5,39]}`))},
		{"a description that is too long", "", with(book, state(`{"blocksize":64,"shape":[5,39]}`+strings.Repeat(" ", 1<<12)))},
	} {
		t.Run(c.what, func(t *testing.T) {
			m, err := Open(checkout(t, c.config, c.tensors...))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			if len(m.Tensors) != len(c.tensors) {
				t.Errorf("%d tensors, want %d", len(m.Tensors), len(c.tensors))
			}
			for _, w := range m.Tensors {
				if w.Encoding != "" {
					t.Errorf("%q is taken for %q", w.Name, w.Encoding)
				}
			}
			modeltest.ReadAll(t, m, 1<<20)
		})
	}
}

func TestAGroupThatIsNotThereIsAnErrorToRead(t *testing.T) {
	m := drawn(32, 64, 4, 16)
	for _, g := range []float32{4, -2, 1 << 30} {
		index := slices.Repeat([]float32{0}, m.cols)
		index[7] = g
		open, err := Parse("index", file(t, m.gptq("q", 1, index...)...))
		if err != nil {
			t.Fatal(err)
		}
		err = modeltest.Tensor(t, open, "q.weight").Read(make([]float32, 64), 0)
		modeltest.Refused(t, "index", err)
		if err == nil || !strings.Contains(err.Error(), "column 7") {
			t.Errorf("group %v: %v", g, err)
		}
	}
}

func FuzzQuantized(f *testing.F) {
	for _, c := range quantizedCases() {
		f.Add([]byte(c.config), file(f, c.tensors...))
	}
	f.Fuzz(func(t *testing.T, settings, data []byte) {
		c := &config{values: map[string]model.KeyValue{}}
		if err := c.parse("config.json", settings, ""); err != nil {
			modeltest.Refused(t, "config.json", err)
			c = &config{}
		}
		m, err := modeltest.Bounded(t, len(data)+len(settings), func() (*model.Model, error) {
			m, err := one("fuzzed", "fuzzed", model.NewFile("fuzzed", data))
			if err == nil {
				c.describe(m)
			}
			return m, err
		})
		if err != nil {
			modeltest.Refused(t, "fuzzed", err)
			return
		}
		modeltest.ReadAll(t, m, 1<<16)
	})
}

func TestDamagedFilesAreRefusedOrReadWithinBounds(t *testing.T) {
	m := drawn(8, 16, 4, 16)
	for _, tensors := range [][]stored{
		{whole("w", model.F16, []int{2, 3}, 1), whole("x", model.F8E8M0, []int{3}, 1), raw("y", model.F4, []int{3, 2}, []byte{1, 2, 3})},
		m.packed("q", true, false),
		drawn(8, 8, 4, 8).gptq("q", 1),
	} {
		b := file(t, tensors...)
		modeltest.Damaged(t, b, len(b), func(data []byte) (*model.Model, error) { return Parse("damaged", data) })
	}
}

// BenchmarkReadQuantized reads rows of matrices of 2048×2048, as measuring does.
func BenchmarkReadQuantized(b *testing.B) {
	const side = 2048
	m := drawn(side, side, 4, 128)
	code := func(i int) int { return i % 16 }
	for name, tensors := range map[string][]stored{
		"GPTQ":   m.gptq("q", 1),
		"AWQ":    m.awq("q"),
		"packed": m.packed("q", true, false),
		"MXFP4":  {raw("q_blocks", model.U8, []int{side, side / 32, 16}, pairs(side*side, false, code)), whole("q_scales", model.U8, []int{side, side / 32}, 127)},
		"FP8":    {whole("q.weight", model.F8E4M3, []int{side, side}, 1), whole("q.weight_scale_inv", model.F32, []int{side / 128, side / 128}, 1)},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := Open(checkout(b, "", tensors...))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			x := make([]float32, 1<<15)
			b.SetBytes(4 * side * side)
			for b.Loop() {
				for at := 0; at < side*side; at += len(x) {
					if err := m.Tensors[0].Read(x, at); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func TestAsManyTensorsAsThereMayBeFitInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes files of a hundred megabytes")
	}
	for _, codes := range []string{"qweight", "other"} {
		var h strings.Builder
		at := 0
		for i := range maxTensors / 3 {
			fmt.Fprintf(&h, `,"%x.%s":{"dtype":"I32","shape":[1,8],"data_offsets":[%d,%d]}`, i, codes, at, at+32)
			fmt.Fprintf(&h, `,"%x.qzeros":{"dtype":"I32","shape":[1,1],"data_offsets":[%d,%d]}`, i, at+32, at+36)
			fmt.Fprintf(&h, `,"%x.scales":{"dtype":"F16","shape":[1,8],"data_offsets":[%d,%d]}`, i, at+36, at+52)
			at += 52
		}
		b := image("{"+h.String()[1:]+"}", at)
		m, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return Parse("many", b) })
		if err != nil {
			t.Fatal(err)
		}
		joined := 0
		for _, w := range m.Tensors {
			if w.Encoding != "" {
				joined++
			}
		}
		if joined+(maxTensors/3-joined)*3 != len(m.Tensors) || (codes == "qweight") != (joined > 1<<14) {
			t.Errorf("%d of %d tensors are joined", joined, len(m.Tensors))
		}
	}
	places := "{\"weight_map\":{"
	var b strings.Builder
	for i := range maxTensors {
		fmt.Fprintf(&b, `,"%x":"a"`, i)
	}
	places += b.String()[1:] + "}}"
	_, err := modeltest.Bounded(t, len(places), func() (*model.Model, error) {
		_, err := parseIndex("index", []byte(places))
		return nil, err
	})
	if err != nil {
		t.Error(err)
	}
}
