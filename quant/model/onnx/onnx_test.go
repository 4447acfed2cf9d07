package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
)

// The parts of a network, as far as tests need them.

func part(number protowire.Number, content string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
}

func count(number protowire.Number, n int) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), uint64(n)))
}

// tensor returns a TensorProto; data is its other fields.
func tensor(name string, kind int, shape []int, data ...string) string {
	s := ""
	for _, d := range shape {
		s += count(1, d)
	}
	return s + count(2, kind) + part(8, name) + strings.Join(data, "")
}

func initializer(name string, kind int, shape []int, data ...string) string {
	return part(5, tensor(name, kind, shape, data...))
}

// operation returns a node, its attributes ready made.
func operation(op, name, inputs, outputs string, attributes ...string) string {
	s := ""
	for _, in := range strings.Split(inputs, " ") {
		s += part(1, strings.Trim(in, "-"))
	}
	for _, out := range strings.Split(outputs, " ") {
		s += part(2, out)
	}
	return part(1, s+part(3, name)+part(4, op)+strings.Join(attributes, ""))
}

func attribute(name string, value int) string { return part(5, part(1, name)+count(3, value)) }

// graph returns a ModelProto whose graph consists of these parts.
func graph(parts ...string) []byte {
	return []byte(count(1, 8) + part(2, "test") + part(7, strings.Join(parts, "")))
}

func raw(b ...byte) string { return part(9, string(b)) }

func floats(x ...float32) string {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

func varied(n ...int64) string {
	var b []byte
	for _, v := range n {
		b = protowire.AppendVarint(b, uint64(v))
	}
	return string(b)
}

func TestEveryTypeIsReadFromRawAndTypedData(t *testing.T) {
	for _, c := range []struct {
		kind  int
		data  string
		dtype *model.DType
		want  []float32
	}{
		{1, raw([]byte(floats(1, -2))...), model.F32, []float32{1, -2}},
		{1, part(4, floats(1, -2)), model.F32, []float32{1, -2}},
		{2, raw(1, 255), model.U8, []float32{1, 255}},
		{2, part(5, varied(1, 255)), model.U8, []float32{1, 255}},
		{3, raw(1, 255), model.I8, []float32{1, -1}},
		{3, part(5, varied(1, -1)), model.I8, []float32{1, -1}},
		{4, part(5, varied(1, 65535)), model.U16, []float32{1, 65535}},
		{5, part(5, varied(1, -300)), model.I16, []float32{1, -300}},
		{6, raw(1, 0, 0, 0, 254, 255, 255, 255), model.I32, []float32{1, -2}},
		{6, part(5, varied(1, -2)), model.I32, []float32{1, -2}},
		{7, part(7, varied(1, -2)), model.I64, []float32{1, -2}},
		{9, part(5, varied(0, 1)), model.Bool, []float32{0, 1}},
		{10, raw(0, 0x3c, 0, 0xbc), model.F16, []float32{1, -1}},
		{10, part(5, varied(0x3c00, 0xbc00)), model.F16, []float32{1, -1}},
		{11, part(10, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\xc0"), model.F64, []float32{1, -2}},
		{12, part(11, varied(1, 1<<31)), model.U32, []float32{1, 1 << 31}},
		{13, part(11, varied(1, -1)), model.U64, []float32{1, 1 << 64}},
		{16, raw(0x80, 0x3f, 0, 0xc0), model.BF16, []float32{1, -2}},
		{17, raw(0x38, 0xfe), model.F8E4M3, []float32{1, -448}},
		{18, raw(0x40, 0x7f, 0x81), model.F16, []float32{1, 240, -0x1p-10}},
		{19, raw(0x3c, 0xfb), model.F8E5M2, []float32{1, -57344}},
		{20, part(5, varied(0x40, 0x7f, 0x81)), model.F16, []float32{1, 57344, -0x1p-17}},
		{21, raw(0x21, 0x0f), model.U8, []float32{1, 2, 15}},
		{22, raw(0x21, 0xf8, 0x07), model.I8, []float32{1, 2, -8, -1, 7}},
		{22, part(5, varied(0x21, 0xf8, 0x07)), model.I8, []float32{1, 2, -8, -1, 7}},
		{23, raw(0x21, 0xf7), model.F8E4M3, []float32{0.5, 1, 6, -6}},
		{24, raw(127, 0, 254), model.BF16, []float32{1, 0x1p-127, 0x1p127}},
		{25, raw(0b11100100), model.U8, []float32{0, 1, 2, 3}},
		{26, raw(0b11100100, 1), model.I8, []float32{0, 1, -2, -1, 1}},
	} {
		m, err := Parse("x", graph(initializer("w", c.kind, []int{len(c.want)}, c.data)))
		if err != nil {
			t.Errorf("%d: %v", c.kind, err)
			continue
		}
		w := m.Tensors[0]
		if got := modeltest.Weights(t, w); w.DType != c.dtype || !slices.Equal(got, c.want) {
			t.Errorf("%d: %s holds %v, want %s %v", c.kind, w.DType, got, c.dtype, c.want)
		}
		modeltest.ReadAll(t, m, 1<<20)
	}
}

func TestManyTypedIntegersAreFoundAnywhere(t *testing.T) {
	const n = 5*markEvery + 7
	values := make([]int64, n)
	for i := range values {
		values[i] = int64(i*i - 1000)
	}
	m, err := Parse("x", graph(initializer("w", 7, []int{n}, part(7, varied(values...)))))
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 9)
	for from := 0; from < n-len(x); from += 37 {
		if err := m.Tensors[0].Read(x, from); err != nil {
			t.Fatal(err)
		}
		for i, got := range x {
			if got != float32(values[from+i]) {
				t.Fatalf("number %d is %v, want %d", from+i, got, values[from+i])
			}
		}
	}
	modeltest.ReadAll(t, m, 1<<20)
}

func TestNodesStayWithTheirWeights(t *testing.T) {
	four := raw(make([]byte, 16)...)
	b := graph(
		operation("Conv", "conv", "x w b", "y"),
		operation("MatMul", "product", "y m", "z"),
		operation("Identity", "same", "m", "m2"),
		operation("Gemm", "rows", "z m2", "u", attribute("transB", 1)),
		operation("Gemm", "columns", "u m", "v"),
		operation("ConvTranspose", "up", "v w -", "o"),
		initializer("w", 1, []int{2, 2, 1, 1}, four),
		initializer("b", 1, []int{4}, four),
		initializer("m", 1, []int{2, 2}, four),
	)
	m, err := Parse("x", b)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]model.Use{
		"w": {{Node: "conv", Op: "Conv", Input: 1, Axis: 0}, {Node: "up", Op: "ConvTranspose", Input: 1, Axis: 1}},
		"b": {{Node: "conv", Op: "Conv", Input: 2, Axis: model.NoAxis}},
		"m": {{Node: "product", Op: "MatMul", Input: 1, Axis: 1}, {Node: "rows", Op: "Gemm", Input: 1, Axis: 0}, {Node: "columns", Op: "Gemm", Input: 1, Axis: 1}},
	} {
		if got := modeltest.Tensor(t, m, name).Uses; !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestConstantsAndTensorsOfInnerGraphsAreFound(t *testing.T) {
	constant := func(out string, x float32) string {
		return operation("Constant", "", "", out, part(5, part(1, "value")+part(5, tensor("", 1, []int{1}, part(4, floats(x))))))
	}
	branch := func(name string, parts ...string) string {
		return part(5, part(1, name)+part(6, strings.Join(parts, "")))
	}
	b := graph(
		constant("c", 1),
		operation("If", "choice", "c", "y",
			branch("then_branch", constant("inner", 2), initializer("k", 1, []int{1}, part(4, floats(3))), operation("MatMul", "n1", "inner k", "y")),
			branch("else_branch", constant("inner", 4), operation("MatMul", "n2", "c inner", "y"))),
	)
	m, err := Parse("x", b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range m.Tensors {
		got = append(got, fmt.Sprint(w.Name, modeltest.Weights(t, w), len(w.Uses)))
	}
	if want := []string{"c[1] 2", "inner[2] 1", "k[3] 1", "choice/else_branch/inner[4] 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIntegersWithScalesAreTheWeightsTheyStandFor(t *testing.T) {
	codes := initializer("w", 3, []int{2, 3}, raw(1, 2, 3, 255, 254, 253))
	consumer := operation("MatMul", "product", "x wf", "y")
	for what, c := range map[string]struct {
		parts    []string
		encoding string
		want     []float32
	}{
		"one scale": {
			[]string{codes, initializer("s", 1, nil, part(4, floats(0.5))), operation(dequantizeLinear, "dq", "w s", "wf"), consumer},
			"int8 per tensor",
			[]float32{0.5, 1, 1.5, -0.5, -1, -1.5},
		},
		"a zero point": {
			[]string{codes, initializer("s", 1, nil, part(4, floats(0.5))), initializer("z", 3, nil, raw(1)), operation(dequantizeLinear, "dq", "w s z", "wf"), consumer},
			"int8 per tensor",
			[]float32{0, 0.5, 1, -1, -1.5, -2},
		},
		"a scale per column": {
			[]string{codes, initializer("s", 1, []int{3}, part(4, floats(1, 2, 4))), operation(dequantizeLinear, "dq", "w s", "wf"), consumer},
			"int8 along axis 1",
			[]float32{1, 4, 12, -1, -4, -12},
		},
		"a scale per row": {
			[]string{codes, initializer("s", 1, []int{2}, part(4, floats(1, 2))), operation(dequantizeLinear, "dq", "w s -", "wf", attribute("axis", -2)), consumer},
			"int8 along axis 0",
			[]float32{1, 2, 3, -2, -4, -6},
		},
		"groups within rows": {
			[]string{
				initializer("w", 22, []int{2, 3}, raw(0x21, 0xf3, 0xde)), initializer("s", 1, []int{2, 2}, part(4, floats(1, 2, 4, 8))),
				operation(dequantizeLinear, "dq", "w s", "wf", attribute("axis", 1), attribute("block_size", 2)), consumer,
			},
			"int4 in groups of 2 along axis 1",
			[]float32{1, 2, 6, -4, -8, -24},
		},
		"groups of rows": {
			[]string{
				codes, initializer("s", 1, []int{1, 3}, part(4, floats(1, 2, 4))),
				operation(dequantizeLinear, "dq", "w s", "wf", attribute("axis", 0), attribute("block_size", 2)), consumer,
			},
			"int8 in groups of 2 along axis 0",
			[]float32{1, 4, 12, -1, -4, -12},
		},
		"a quantized product": {
			[]string{codes, initializer("s", 1, []int{3}, part(4, floats(1, 2, 4))), initializer("z", 3, []int{3}, raw(0, 0, 1)), operation("QLinearMatMul", "product", "x xs xz w s z ys yz", "y")},
			"int8 along axis 1",
			[]float32{1, 4, 8, -1, -4, -16},
		},
		"scales from elsewhere": {
			[]string{codes, operation(dequantizeLinear, "dq", "w s", "wf"), consumer},
			"",
			[]float32{1, 2, 3, -1, -2, -3},
		},
		"scales that do not fit": {
			[]string{codes, initializer("s", 1, []int{2}, part(4, floats(1, 2))), operation(dequantizeLinear, "dq", "w s", "wf"), consumer},
			"",
			[]float32{1, 2, 3, -1, -2, -3},
		},
		"another use of the integers": {
			[]string{codes, initializer("s", 1, nil, part(4, floats(0.5))), operation(dequantizeLinear, "dq", "w s", "wf"), operation("Cast", "cast", "w", "v"), consumer},
			"",
			[]float32{1, 2, 3, -1, -2, -3},
		},
		"two scales": {
			[]string{
				codes, initializer("s", 1, nil, part(4, floats(0.5))), initializer("t", 1, nil, part(4, floats(0.25))),
				operation(dequantizeLinear, "dq", "w s", "wf"), operation(dequantizeLinear, "dq2", "w t", "wg"), consumer,
			},
			"",
			[]float32{1, 2, 3, -1, -2, -3},
		},
	} {
		m, err := Parse("x", graph(c.parts...))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		w := modeltest.Tensor(t, m, "w")
		if got := modeltest.Weights(t, w); w.Encoding != c.encoding || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q %v, want %q %v", what, w.Encoding, got, c.encoding, c.want)
		}
		if c.encoding != "" && (w.DType != model.F32 || len(w.Uses) != 1 || w.Uses[0].Node != "product" || w.Uses[0].Axis != 1) {
			t.Errorf("%s: %s, used as %+v", what, w.DType, w.Uses)
		}
		modeltest.ReadAll(t, m, 1<<20)
	}
}

func elsewhere(entries ...string) string {
	s := count(14, 1)
	for i := 0; i < len(entries); i += 2 {
		s += part(13, part(1, entries[i])+part(2, entries[i+1]))
	}
	return s
}

func TestDataMayLieBesideTheNetwork(t *testing.T) {
	folder := t.TempDir()
	place := func(name string, b []byte) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	place("sub/weights.bin", []byte("abcd"+floats(1, 2, 3)))
	path := place("net.onnx", graph(
		initializer("v", 1, []int{2}, elsewhere("location", "sub/weights.bin", "offset", "4", "length", "8")),
		initializer("w", 1, []int{1}, elsewhere("location", "sub/weights.bin", "offset", "12", "checksum", "x")),
	))
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if v, w := modeltest.Weights(t, m.Tensors[0]), modeltest.Weights(t, m.Tensors[1]); !slices.Equal(v, []float32{1, 2}) || w[0] != 3 || len(m.Files) != 2 {
		t.Errorf("got %v and %v in %d files", v, w, len(m.Files))
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	for lie, c := range map[string]struct {
		entries []string
		rule    string
	}{
		"no location":       {[]string{"offset", "0"}, ruleExternal},
		"a parent folder":   {[]string{"location", "../x"}, ruleEscape},
		"the root":          {[]string{"location", "/etc/passwd"}, ruleEscape},
		"a backslash":       {[]string{"location", `..\x`}, ruleEscape},
		"nothing there":     {[]string{"location", "missing.bin"}, ruleMissing},
		"a folder":          {[]string{"location", "sub"}, ""},
		"another length":    {[]string{"location", "sub/weights.bin", "length", "7"}, ruleData},
		"past the end":      {[]string{"location", "sub/weights.bin", "offset", "12"}, ruleData},
		"far past the end":  {[]string{"location", "sub/weights.bin", "offset", "9223372036854775807"}, ruleData},
		"a negative offset": {[]string{"location", "sub/weights.bin", "offset", "-4"}, ruleExternal},
	} {
		_, err := Open(place("net.onnx", graph(initializer("v", 1, []int{2}, elsewhere(c.entries...)))))
		modeltest.Refused(t, lie, err)
		if broken := (*model.Error)(nil); errors.As(err, &broken) && c.rule != "" && broken.Rule != c.rule {
			t.Errorf("%s: %v", lie, err)
		}
	}
	_, err = Parse("x", graph(initializer("v", 1, []int{2}, elsewhere("location", "sub/weights.bin"))))
	modeltest.Refused(t, "no folder", err)
}

func TestConstantsMayBeNumbers(t *testing.T) {
	one := string(protowire.AppendFixed32(protowire.AppendTag(nil, 2, protowire.Fixed32Type), math.Float32bits(2.5)))
	apart := ""
	for _, x := range []float32{1, -2} {
		apart += string(protowire.AppendFixed32(protowire.AppendTag(nil, 7, protowire.Fixed32Type), math.Float32bits(x)))
	}
	constant := func(out, name, value string) string {
		return operation("Constant", "", "", out, part(5, part(1, name)+value))
	}
	b := graph(
		constant("f", "value_float", one), constant("fs", "value_floats", part(7, floats(3, 4))), constant("apart", "value_floats", apart),
		constant("i", "value_int", count(3, 1<<40)), constant("is", "value_ints", part(8, varied(5, -6))), constant("single", "value_ints", count(8, 7)+count(8, 8)),
		constant("zero", "value_float", ""), constant("none", "value_ints", ""),
		constant("text", "value_string", part(4, "x")),
	)
	m, err := Parse("x", b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range m.Tensors {
		got = append(got, fmt.Sprintf("%s %s %v %v", w.Name, w.DType, w.Shape, modeltest.Weights(t, w)))
	}
	want := []string{
		"f F32 [] [2.5]", "fs F32 [2] [3 4]", "apart F32 [2] [1 -2]", "i I64 [] [1.0995116e+12]", "is I64 [2] [5 -6]", "single I64 [2] [7 8]",
		"zero F32 [] [0]", "none I64 [0] []",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	modeltest.ReadAll(t, m, 1<<20)
}

// thin returns a SparseTensorProto.
func thin(values, indices string, dims ...int) string {
	s := part(1, values) + part(2, indices)
	for _, d := range dims {
		s += count(3, d)
	}
	return s
}

func TestSparseTensorsAreZeroElsewhere(t *testing.T) {
	values := tensor("w", 10, []int{3}, raw(0, 0x3c, 0, 0x40, 0, 0x44)) // 1, 2 and 4 as halves
	m, err := Parse("x", graph(
		part(15, thin(values, tensor("", 7, []int{3}, part(7, varied(1, 4, 5))), 2, 3)),
		operation("MatMul", "n", "x w", "y"),
		operation("Constant", "", "", "c", part(5, part(1, "sparse_value")+part(22, thin(tensor("", 1, []int{2}, part(4, floats(7, 8))), tensor("", 7, []int{2, 2}, part(7, varied(0, 2, 1, 0))), 2, 3)))),
		part(15, thin(tensor("empty", 1, []int{0}), tensor("", 7, []int{0}), 4)),
	))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{"w": {0, 1, 0, 0, 2, 4}, "c": {0, 0, 7, 8, 0, 0}, "empty": {0, 0, 0, 0}} {
		w := modeltest.Tensor(t, m, name)
		if got := modeltest.Weights(t, w); !slices.Equal(got, want) || w.Encoding != "sparse" {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if w := modeltest.Tensor(t, m, "w"); w.DType != model.F16 || !slices.Equal(w.Shape, []int{2, 3}) || len(w.Uses) != 1 || w.Uses[0].Axis != 1 {
		t.Errorf("%s %v %v", w.DType, w.Shape, w.Uses)
	}
	modeltest.ReadAll(t, m, 1<<20)
}

func TestPlacesOfASparseTensorAreCheckedWhenTheyAreRead(t *testing.T) {
	values := tensor("w", 1, []int{2}, part(4, floats(1, 2)))
	for what, indices := range map[string]string{
		"past the end":      tensor("", 7, []int{2}, part(7, varied(1, 6))),
		"negative":          tensor("", 7, []int{2}, part(7, varied(-1, 2))),
		"twice":             tensor("", 7, []int{2}, part(7, varied(3, 3))),
		"backwards":         tensor("", 7, []int{2}, part(7, varied(3, 1))),
		"outside a side":    tensor("", 7, []int{2, 2}, part(7, varied(0, 3, 1, 0))),
		"outside and large": tensor("", 7, []int{2, 2}, part(7, varied(0, 0, 1, math.MaxInt64))),
	} {
		m, err := Parse("x", graph(part(15, thin(values, indices, 2, 3))))
		if err != nil {
			t.Fatal(err)
		}
		err = m.Tensors[0].Read(make([]float32, 6), 0)
		modeltest.Refused(t, what, err)
		if broken := (*model.Error)(nil); !errors.As(err, &broken) || broken.Rule != rulePlace {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestEveryLieIsNamed(t *testing.T) {
	w := func(data ...string) []byte { return graph(initializer("w", 1, []int{2}, data...)) }
	good := initializer("w", 1, []int{2}, raw(make([]byte, 8)...))
	nested := ""
	for range 40 {
		nested = operation("If", "", "", "", part(5, part(1, "g")+part(6, nested)))
	}
	for _, c := range []struct {
		lie  string
		file []byte
		rule string
	}{
		{"nothing", nil, ruleGraph},
		{"no graph", []byte(count(1, 8)), ruleGraph},
		{"two graphs", append(graph(), graph()...), ruleGraph},
		{"a number for a graph", []byte(count(7, 1)), ruleKind},
		{"half a field", graph()[:3], ruleWire},
		{"a length past the end", []byte("\x3a\xff\xff\xff\xff\x7f"), ruleWire},
		{"a number without end", []byte("\x08" + strings.Repeat("\xff", 20)), ruleWire},
		{"a group", []byte("\x0b\x0c"), ruleWire},
		{"field 0", []byte("\x00\x00"), ruleWire},
		{"graphs in graphs", graph(nested), ruleDepth},
		{"no data", w(), ruleData},
		{"too few data", w(raw(1, 2, 3)), ruleData},
		{"too many data", w(raw(make([]byte, 9)...)), ruleData},
		{"data twice", w(raw(make([]byte, 8)...), raw(make([]byte, 8)...)), ruleOnce},
		{"data in two forms", w(raw(make([]byte, 8)...), part(4, floats(1, 2))), ruleOnce},
		{"numbers one by one", w(string(protowire.AppendFixed32(protowire.AppendTag(nil, 4, protowire.Fixed32Type), 0))), ruleOnce},
		{"floats as integers", w(part(5, varied(1, 2))), ruleType},
		{"integers without end", graph(initializer("w", 6, []int{2}, part(5, "\x01\xff"))), ruleVarint},
		{"an integer of eleven bytes", graph(initializer("w", 6, []int{1}, part(5, strings.Repeat("\xff", 10)+"\x01"))), ruleVarint},
		{"no type", graph(initializer("w", 0, []int{2}, raw(1))), ruleType},
		{"type 99", graph(initializer("w", 99, []int{2}, raw(1))), ruleType},
		{"a negative dimension", graph(initializer("w", 1, []int{-2}, raw(1))), ruleDims},
		{"too many dimensions", graph(initializer("w", 1, make([]int, 65))), ruleDims},
		{"2⁶⁴ weights", graph(initializer("w", 1, []int{1 << 32, 1 << 32}, raw(1))), ruleOverflow},
		{"2⁶² weights", graph(initializer("w", 1, []int{1 << 62}, raw(1))), ruleOverflow},
		{"2⁶³−1 nibbles", graph(initializer("w", 21, []int{math.MaxInt}, raw(1))), ruleOverflow},
		{"a name twice", graph(good, good), ruleTwice},
		{"a name for the terminal", graph(initializer("w\x1b[2J", 1, []int{0})), ""},
		{"a name of 5000 bytes", graph(initializer(strings.Repeat("w", 5000), 1, []int{0})), ""},
		{"a node for the terminal", graph(good, operation("Conv", "n\x1b[2J", "x w", "y")), ""},
		{"a sparse tensor without values", graph(part(15, part(2, tensor("", 7, []int{0})))), ruleSparse},
		{"a sparse tensor without places", graph(part(15, part(1, tensor("w", 1, []int{0})))), ruleSparse},
		{"places that are floats", graph(part(15, thin(tensor("w", 1, []int{0}), tensor("", 1, []int{0}), 2))), ruleSparse},
		{"fewer places than values", graph(part(15, thin(tensor("w", 1, []int{1}, part(4, floats(1))), tensor("", 7, []int{0}), 2))), ruleSparse},
		{"a sparse tensor of 2⁶² weights", graph(part(15, thin(tensor("w", 1, []int{0}), tensor("", 7, []int{0}), 1<<62))), ruleThin},
		{"a sparse tensor of 2⁶⁴ weights", graph(part(15, thin(tensor("w", 1, []int{0}), tensor("", 7, []int{0}), 1<<32, 1<<32))), ruleOverflow},
		{"a sparse tensor that is a number", graph(count(15, 1)), ruleKind},
		{"a Constant that is two numbers", graph(operation("Constant", "", "", "c", part(5, part(1, "value_int")+count(3, 1)+count(3, 2)))), ruleOnce},
		{"a Constant whose floats are cut", graph(operation("Constant", "", "", "c", part(5, part(1, "value_floats")+part(7, "\x00\x00\x00")))), ruleWire},
		{"a Constant whose integers do not end", graph(operation("Constant", "", "", "c", part(5, part(1, "value_ints")+part(8, "\xff")))), ruleWire},
		{"a Constant of a number that is text", graph(operation("Constant", "", "", "c", part(5, part(1, "value_int")+part(3, "x")))), ruleKind},
		{"Constants of too many numbers", graph(operation("Constant", "", "", "c", part(5, part(1, "value_ints")+part(8, strings.Repeat("\x01", maxListed+1))))), ruleListed},
		{"a Constant that has no tensor", graph(operation("Constant", "", "", "c", part(5, part(1, "value")))), ruleType},
		{"metadata twice", append(graph(), part(14, part(1, "a"))+part(14, part(1, "a"))...), ruleDuplicate},
		{"metadata of 2 MB", append(graph(), part(14, part(1, "a")+part(2, strings.Repeat("x", 2<<20)))...), ruleMetadata},
		{"a key for the terminal", append(graph(), part(14, part(1, "\x1b"))...), ""},
	} {
		_, err := modeltest.Bounded(t, len(c.file), func() (*model.Model, error) { return Parse("x.onnx", c.file) })
		modeltest.Refused(t, c.lie, err)
		if broken := (*model.Error)(nil); errors.As(err, &broken) && c.rule != "" && broken.Rule != c.rule {
			t.Errorf("%s: %v\nwant the rule %q", c.lie, err, c.rule)
		}
	}
}

func TestTextIsNoWeight(t *testing.T) {
	m, err := Parse("x", graph(initializer("labels", 8, []int{2}, part(6, "cat"), part(6, "dog")), initializer("w", 1, []int{1}, part(4, floats(1)))))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Tensors) != 1 || m.Tensors[0].Name != "w" {
		t.Errorf("got %d tensors", len(m.Tensors))
	}
}

func TestAsManyTensorsAndNodesAsThereMayBeFitInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes networks of a million parts")
	}
	var b strings.Builder
	for i := range maxTensors {
		b.WriteString(initializer(fmt.Sprintf("%x", i), 2, nil, raw(0)))
		b.WriteString(operation("Conv", "", fmt.Sprintf("x %x", i), ""))
	}
	file := graph(b.String())
	m, err := modeltest.Bounded(t, len(file), func() (*model.Model, error) { return Parse("x", file) })
	if err != nil || len(m.Tensors) != maxTensors {
		t.Errorf("got %v", err)
	}
	_, err = Parse("x", graph(b.String(), initializer("more", 2, nil, raw(0))))
	modeltest.Refused(t, "one more", err)

	b.Reset()
	for i := range maxUses {
		b.WriteString(operation("Conv", fmt.Sprintf("%x", i), "x w", ""))
	}
	file = graph(b.String(), initializer("w", 2, []int{1}, raw(0)))
	m, err = modeltest.Bounded(t, len(file), func() (*model.Model, error) { return Parse("x", file) })
	if err != nil || len(m.Tensors[0].Uses) != maxUses {
		t.Errorf("got %v", err)
	}

	file = graph(strings.Repeat(part(1, ""), 10_000_000))
	_, err = modeltest.Bounded(t, len(file), func() (*model.Model, error) { return Parse("x", file) })
	modeltest.Refused(t, "nodes of nothing", err)
}

func TestRealNetworksOpenAndAreRead(t *testing.T) {
	for _, path := range modeltest.Corpus(t, "onnx", "*") {
		m, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(m.Tensors) == 0 {
			t.Errorf("%s has no tensors", path)
		}
		modeltest.ReadAll(t, m, 1<<30)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestHostileFilesAreRefusedByARule(t *testing.T) {
	for _, path := range modeltest.Corpus(t, "hostile", "*.onnx") {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = modeltest.Bounded(t, int(info.Size()), func() (*model.Model, error) { return Open(path) })
		modeltest.Refused(t, path, err)
	}
}

// FuzzOpen holds the reader to its promise for any bytes.
func FuzzOpen(f *testing.F) {
	f.Add(graph(
		operation("Conv", "conv", "x wf b", "y"), operation(dequantizeLinear, "dq", "w s z", "wf", attribute("axis", 0), attribute("block_size", 1)),
		initializer("w", 22, []int{2, 2}, raw(0x21, 0x43)), initializer("s", 1, []int{2, 2}, part(4, floats(1, 2, 3, 4))), initializer("z", 22, []int{2, 2}, part(5, varied(1, 2))),
	))
	f.Add(graph(operation("If", "", "c", "y", part(5, part(1, "then_branch")+part(6, initializer("k", 18, []int{1}, raw(1)))))))
	f.Add(graph(initializer("w", 1, []int{2}, elsewhere("location", "x", "offset", "4"))))
	f.Add(graph(
		part(15, thin(tensor("w", 10, []int{1}, raw(0, 0x3c)), tensor("", 7, []int{1, 2}, part(7, varied(1, 2))), 2, 3)),
		operation("Constant", "", "", "f", part(5, part(1, "value_floats")+part(7, floats(3, 4)))),
		operation("Constant", "", "", "i", part(5, part(1, "value_ints")+count(8, 7)+count(8, 8))),
	))
	modeltest.Seed(f, "onnx", "*", 20_000)
	modeltest.Seed(f, "hostile", "*.onnx", 100_000)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return Parse("fuzz", b) })
		if err != nil {
			modeltest.Refused(t, "fuzz", err)
			return
		}
		modeltest.ReadAll(t, m, 1<<20)
	})
}

func TestDamagedFilesAreRefusedOrReadWithinBounds(t *testing.T) {
	b := graph(
		operation("Conv", "conv", "x wf b", "y"), operation(dequantizeLinear, "dq", "w s z", "wf", attribute("axis", 0), attribute("block_size", 1)),
		initializer("w", 22, []int{2, 2}, raw(0x21, 0x43)), initializer("s", 1, []int{2, 2}, part(4, floats(1, 2, 3, 4))), initializer("z", 22, []int{2, 2}, part(5, varied(1, 2))),
		part(15, thin(tensor("t", 10, []int{1}, raw(0, 0x3c)), tensor("", 7, []int{1, 2}, part(7, varied(1, 2))), 2, 3)),
		operation("Constant", "", "", "c", part(5, part(1, "value_floats")+part(7, floats(3, 4)))),
	)
	modeltest.Damaged(t, b, len(b), func(data []byte) (*model.Model, error) { return Parse("damaged", data) })
}
