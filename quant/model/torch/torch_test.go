package torch

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// The instructions of a pickle, as far as tests need them.

func name(module, name string) string { return "c" + module + "\n" + name + "\n" }

func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func whole(n int) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func whole64(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func sizes(n ...int) string {
	s := "("
	for _, d := range n {
		s += whole64(int64(d))
	}
	return s + "t"
}

// stored returns a storage of n weights.
func stored(kind, key string, n int) string {
	return "(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + whole64(int64(n)) + "tQ"
}

// rebuilt returns a tensor.
func rebuilt(storage string, offset int, shape, strides string) string {
	return name("torch._utils", "_rebuild_tensor_v2") + "(" + storage + whole64(int64(offset)) + shape + strides + "\x89" + name("collections", "OrderedDict") + ")RtR"
}

// program returns a pickle of these values, keys and values by turns, in a
// dictionary.
func program(items ...string) string { return "\x80\x02}(" + strings.Join(items, "") + "u." }

// saved returns a checkpoint of this pickle and members, name and content by
// turns.
func saved(t testing.TB, pickle string, members ...string) []byte {
	t.Helper()
	return packed(t, zip.Store, append([]string{"data.pkl", pickle}, members...)...)
}

func packed(t testing.TB, method uint16, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, err := w.CreateHeader(&zip.FileHeader{Name: "model/" + members[i], Method: method})
		if err == nil {
			_, err = m.Write([]byte(members[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// floats returns weights as a storage holds them.
func floats(order binary.AppendByteOrder, x ...float32) string {
	var b []byte
	for _, v := range x {
		b = order.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

var six = floats(binary.LittleEndian, 1, 2, 3, 4, 5, 6)

func TestTensorsAreViewsOfStorages(t *testing.T) {
	storage := stored("FloatStorage", "0", 6)
	typed := name("torch._utils", "_rebuild_tensor_v3") + "(" +
		"(" + text("storage") + name("torch.storage", "UntypedStorage") + text("1") + text("cpu") + whole(4) + "tQ" +
		whole(1) + sizes(1) + sizes(1) + "\x89N" + name("torch", "uint16") + "tR"
	b := saved(t, program(
		text("rows"), rebuilt(storage, 0, sizes(2, 3), sizes(3, 1)),
		text("transposed"), rebuilt(storage, 0, sizes(3, 2), sizes(1, 3)),
		text("part"), rebuilt(storage, 4, sizes(2), sizes(1)),
		text("every second"), rebuilt(storage, 1, sizes(3), sizes(2)),
		text("broadcast"), rebuilt(storage, 5, sizes(2, 2), sizes(0, 0)),
		text("scalar"), rebuilt(storage, 2, ")", ")"),
		text("empty"), rebuilt(storage, 6, sizes(0, 3), sizes(3, 1)),
		text("parameter"), name("torch._utils", "_rebuild_parameter")+"("+rebuilt(storage, 0, sizes(1), sizes(1))+"\x88N"+"tR",
		text("subclass"), name("torch._tensor", "_rebuild_from_type_v2")+"("+name("torch._utils", "_rebuild_tensor_v2")+
			name("torch.nn.parameter", "Parameter")+"("+storage+whole(3)+sizes(1)+sizes(1)+"\x89NtNtR",
		text("typed"), typed,
		whole(7), "](N"+rebuilt(storage, 1, sizes(1), sizes(1))+"e",
	), "data/0", six, "data/1", "\x01\x00\x02\x00", "byteorder", "little")
	for what, file := range map[string][]byte{"stored": b, "deflated": deflated(t, b)} {
		m, err := Parse(what, file)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range m.Tensors {
			got = append(got, fmt.Sprint(w.Name, " ", w.DType, " ", w.Shape, " ", modeltest.Weights(t, w)))
		}
		want := []string{
			"rows F32 [2 3] [1 2 3 4 5 6]", "transposed F32 [3 2] [1 4 2 5 3 6]", "part F32 [2] [5 6]",
			"every second F32 [3] [2 4 6]", "broadcast F32 [2 2] [6 6 6 6]", "scalar F32 [] [3]", "empty F32 [0 3] []",
			"parameter F32 [1] [1]", "subclass F32 [1] [4]", "typed U16 [1] [2]", "7.1 F32 [1] [2]",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
		modeltest.ReadAll(t, m, 1<<20)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		for _, w := range m.Tensors[:6] {
			if err := w.Read(make([]float32, 1), 0); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: a closed model: %v", what, err)
			}
		}
	}
}

// deflated returns the archive b with its members deflated.
func deflated(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		if _, err := content.ReadFrom(r); err != nil {
			t.Fatal(err)
		}
		members = append(members, strings.TrimPrefix(f.Name, "model/"), content.String())
	}
	return packed(t, zip.Deflate, members...)
}

// quantizedBy returns a quantized tensor of such parameters.
func quantizedBy(kind, key string, n int, shape, strides, params string) string {
	return name("torch._utils", "_rebuild_qtensor") + "(" + stored(kind, key, n) + whole(0) + shape + strides + params + "\x89NtR"
}

// double is a float in a pickle.
func double(x float64) string {
	return "G" + string(binary.BigEndian.AppendUint64(nil, math.Float64bits(x)))
}

func TestQuantizedTensorsAreTheWeightsTheyStandFor(t *testing.T) {
	scales := rebuilt(stored("DoubleStorage", "2", 3), 0, sizes(3), sizes(1))
	zeros := rebuilt(stored("LongStorage", "3", 3), 0, sizes(3), sizes(1))
	m, err := Parse("q", saved(t, program(
		text("tensor"), quantizedBy("QUInt8Storage", "0", 6, sizes(2, 3), sizes(3, 1), "("+name("torch", "per_tensor_affine")+double(0.5)+whole(128)+"t"),
		text("channel"), quantizedBy("QInt8Storage", "1", 6, sizes(2, 3), sizes(3, 1), "("+name("torch", "per_channel_affine")+scales+zeros+whole(1)+"t"),
		text("rows"), quantizedBy("QInt8Storage", "1", 6, sizes(2, 3), sizes(1, 2), "("+name("torch", "per_channel_affine_float_qparams")+"]("+double(2)+double(4)+"e"+"]("+double(0.5)+double(-0.5)+"e"+whole(0)+"t"),
		text("bias"), quantizedBy("QInt32Storage", "4", 1, sizes(1), sizes(1), "("+name("torch", "per_tensor_affine")+double(0.25)+whole(0)+"t"),
	),
		"data/0", "\x80\x81\x7f\x00\xff\x82", "data/1", "\x01\x02\x03\xff\xfe\xfd",
		"data/2", doubles(1, 0.5, 2), "data/3", "\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
		"data/4", "\x10\x27\x00\x00",
	))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range m.Tensors {
		got = append(got, fmt.Sprintf("%s %s %v %q %d %v", w.Name, w.DType, w.Shape, w.Encoding, w.Bytes(), modeltest.Weights(t, w)))
	}
	want := []string{
		`tensor INT8 [2 3] "quint8 per tensor" 6 [0 0.5 -0.5 -64 63.5 1]`,
		`channel INT8 [2 3] "qint8 along axis 1" 54 [1 0.5 8 -1 -1.5 -4]`,
		`rows INT8 [2 3] "qint8 along axis 0" 6 [1 5 -5 10 -2 -10]`,
		`bias INT32 [1] "qint32 per tensor" 4 [2500]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	modeltest.ReadAll(t, m, 1<<20)
}

func TestTensorsThatEncodeAWeightAreJoined(t *testing.T) {
	words := rebuilt(stored("IntStorage", "0", 32), 0, sizes(1, 32), sizes(32, 1))
	turned := rebuilt(stored("IntStorage", "0", 32), 0, sizes(1, 16), sizes(1, 2))
	zeros := func(n int) string { return rebuilt(stored("IntStorage", "1", 4), 0, sizes(1, n), sizes(n, 1)) }
	scales := func(n int) string { return rebuilt(stored("FloatStorage", "2", 32), 0, sizes(1, n), sizes(n, 1)) }
	m, err := Parse("gptq", saved(t, program(
		text("a.qweight"), words, text("a.qzeros"), zeros(4), text("a.scales"), scales(32),
		text("b.qweight"), turned, text("b.qzeros"), zeros(2), text("b.scales"), scales(16),
	), "data/0", strings.Repeat("\x21\x43\x65\x87", 32), "data/1", strings.Repeat("\x00", 16), "data/2", strings.Repeat("\x00\x00\x00\x3f", 32)))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Tensors) != 4 {
		t.Errorf("%d tensors, want one and three that are not in order", len(m.Tensors))
	}
	w := modeltest.Tensor(t, m, "a.weight")
	if x := modeltest.Weights(t, w)[:8]; w.DType != model.Int4 || !slices.Equal(w.Shape, []int{32, 8}) || !slices.Equal(x, []float32{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5}) {
		t.Errorf("%s %v %v", w.DType, w.Shape, x)
	}
	modeltest.ReadAll(t, m, 1<<20)
}

func doubles(x ...float64) string {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return string(b)
}

func TestBigEndianCheckpointsAreTurnedAround(t *testing.T) {
	pickle := program(text("w"), rebuilt(stored("FloatStorage", "0", 3), 0, sizes(3), sizes(1)))
	m, err := Parse("x", saved(t, pickle, "data/0", floats(binary.BigEndian, 1, 2, 3), "byteorder", "big"))
	if err != nil {
		t.Fatal(err)
	}
	if got := modeltest.Weights(t, m.Tensors[0]); !slices.Equal(got, []float32{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
}

func TestATensorThatIsAllThereIsHasTheModelsName(t *testing.T) {
	m, err := Parse("weights", saved(t, "\x80\x02"+rebuilt(stored("FloatStorage", "0", 6), 0, sizes(6), sizes(1))+".", "data/0", six))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Tensors[0].Name; got != "weights" {
		t.Errorf("it is called %q", got)
	}
}

func TestRecordsOfTorchScriptAreOnlyFields(t *testing.T) {
	tensor := rebuilt(stored("FloatStorage", "0", 6), 0, sizes(6), sizes(1))
	pickle := "\x80\x02" + name("__torch__.net", "Net") + ")\x81}(" +
		text("training") + "\x89" + text("weight") + tensor + text("sizes") + name("torch.jit._pickle", "build_intlist") + "](K\x01e\x85R" + "ub."
	m, err := Parse("x", saved(t, pickle, "data/0", six, "constants.pkl", "\x80\x02"+tensor+"\x85.", "constants/0", six))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Tensors) != 2 || m.Tensors[0].Name != "weight" || m.Tensors[1].Name != "constants.0" {
		t.Errorf("got %v", m.Tensors)
	}
}

func TestEveryLieIsNamed(t *testing.T) {
	storage := stored("FloatStorage", "0", 6)
	with := func(pickle string) []byte { return saved(t, pickle, "data/0", six) }
	one := func(value string) []byte { return with(program(text("w"), value)) }
	quantized := func(params string) []byte {
		if params == "" {
			params = ")"
		}
		return one(quantizedBy("QInt8Storage", "0", 6, sizes(2, 3), sizes(3, 1), params))
	}
	for _, c := range []struct {
		lie  string
		file []byte
		rule string
	}{
		{"nothing", nil, ruleMagic},
		{"text", []byte("abc"), ruleMagic},
		{"a pickle of something else", []byte("\x80\x02K\x01."), ruleMagic},
		{"another version", []byte("\x80\x02\x8a\x0a" + magic + ".\x80\x02K\x02."), ruleVersion},
		{"no data.pkl", packed(t, zip.Store, "data/0", six), ruleNoPickle},
		{"a byte order of its own", saved(t, program(), "byteorder", "middle"), ruleByteOrder},
		{"a cut", with("\x80\x02}(")[:], rulePickleEnd},
		{"half a string", with("\x80\x02X\xff\xff\x00\x00a"), rulePickleEnd},
		{"a string of 4 GiB", with("\x80\x02X\xff\xff\xff\xffa"), ruleTooMany},
		{"an integer of 2 GiB", with("\x80\x02\x8b\xff\xff\xff\x7f\x01."), rulePickleEnd},
		{"a name without end", with("\x80\x02cos\nsystem"), rulePickleEnd},
		{"protocol 6", with("\x80\x06N."), ruleProtocol},
		{"an old instruction", with("\x80\x02(i"), ruleOpcode},
		{"a class by number", with("\x80\x02\x82\x01."), ruleOpcode},
		{"an end without a value", with("\x80\x02."), ruleStack},
		{"a value below a mark", with("\x80\x02N(0."), ruleStack},
		{"a tuple of nothing", with("\x80\x02\x86."), ruleStack},
		{"a tuple across a mark", with("\x80\x02N(N\x86."), ruleStack},
		{"no mark", with("\x80\x02Nt."), ruleStack},
		{"a key without a value", with("\x80\x02}(Nu."), ruleOperand},
		{"a list with keys", with("\x80\x02](NNu."), ruleOperand},
		{"an item of nothing", with("\x80\x02NNa."), ruleOperand},
		{"a number that was never kept", with("\x80\x02h\x07."), ruleMemo},
		{"a number far away", with("\x80\x02Nr\xff\xff\xff\x00."), ruleMemo},
		{"a command", with("\x80\x02cposix\nsystem\n" + text("id") + "\x85R."), ruleGlobal},
		{"a command by text", with("\x80\x04" + text("os") + text("system") + "\x93."), ruleGlobal},
		{"a command in the disguise of a line", with("\x80\x02ctorch\nFloatStorage.os.system\n."), ruleGlobal},
		{"eval", with("\x80\x02c__builtin__\neval\n."), ruleGlobal},
		{"an attribute of what is known", with("\x80\x04" + text("torch") + text("FloatStorage.__reduce__") + "\x93."), ruleGlobal},
		{"a type that is called", with("\x80\x02" + name("torch", "FloatStorage") + ")R."), ruleOperand},
		{"a record that is called", with("\x80\x02" + name("__torch__.os", "system") + ")R."), ruleOperand},
		{"text that is called", with("\x80\x02" + text("os.system") + ")R."), ruleOperand},
		{"a state of text", with("\x80\x02" + text("x") + "Nb."), ruleOperand},
		{"a tensor of nothing", one(name("torch._utils", "_rebuild_tensor_v2") + ")R"), ruleCall},
		{"a tensor of text", one(rebuilt(text("x"), 0, sizes(6), sizes(1))), ruleCall},
		{"a negative offset", one(rebuilt(storage, -1, sizes(6), sizes(1))), ruleCall},
		{"a tree of 2⁵⁰ leaves for an offset", one(name("torch._utils", "_rebuild_tensor") + "(" + storage + "N" + strings.Repeat("q\x050h\x05h\x05\x86", 50) + "))tR"), ruleCall},
		{"a million tuples for a size", one(name("torch._utils", "_rebuild_tensor") + "(" + storage + whole(0) + "N" + strings.Repeat("\x85", 900_000) + "\x85)tR"), ruleCall},
		{"a negative dimension", one(rebuilt(storage, 0, sizes(-6), sizes(1))), ruleCall},
		{"a negative stride", one(rebuilt(storage, 5, sizes(6), sizes(-1))), ruleCall},
		{"too many dimensions", one(rebuilt(storage, 0, "("+strings.Repeat("K\x01", 65)+"t", ")")), ruleDims},
		{"a storage of no type", one(rebuilt(stored("Tensor", "0", 6), 0, sizes(6), sizes(1))), ruleType},
		{"a storage that is not there", one(rebuilt(stored("FloatStorage", "9", 6), 0, sizes(6), sizes(1))), ruleNoStorage},
		{"a storage of two lengths", with(program(text("w"), rebuilt(storage, 0, sizes(6), sizes(1)), text("v"), rebuilt(stored("FloatStorage", "0", 3), 0, sizes(3), sizes(1)))), ruleConflict},
		{"a storage of two types", with(program(text("w"), rebuilt(storage, 0, sizes(6), sizes(1)), text("v"), rebuilt(stored("DoubleStorage", "0", 6), 0, sizes(3), sizes(1)))), ruleConflict},
		{"a storage elsewhere", one(rebuilt(stored("FloatStorage", "../data.pkl", 6), 0, sizes(6), sizes(1))), ruleNoStorage},
		{"a storage longer than its bytes", one(rebuilt(stored("FloatStorage", "0", 7), 0, sizes(6), sizes(1))), ruleStorageSize},
		{"a storage of 2⁶³ bytes", one(rebuilt(stored("DoubleStorage", "0", 1<<61), 0, sizes(6), sizes(1))), ruleStorageSize},
		{"a beginning past the storage", one(rebuilt(storage, 7, sizes(0), sizes(1))), ruleStorageSize},
		{"a tensor past its storage", one(rebuilt(storage, 1, sizes(6), sizes(1))), ""},
		{"a stride past its storage", one(rebuilt(storage, 0, sizes(2, 3), sizes(4, 1))), ""},
		{"strides of another shape", one(rebuilt(storage, 0, sizes(6), sizes(1, 1))), ""},
		{"2⁶² weights", one(rebuilt(storage, 0, sizes(1<<62), sizes(0))), ""},
		{"a broadcast to a terabyte", one(rebuilt(storage, 0, sizes(1<<38), sizes(0))), ruleBroad},
		{"a quantized tensor without parameters", quantized(""), ruleQuantizer},
		{"a quantized tensor with a scheme of another kind", quantized("(" + name("torch", "strided") + double(1) + whole(0) + "t"), ruleQuantizer},
		{"a quantized tensor with a scheme of text", quantized("(" + text("per_tensor_affine") + double(1) + whole(0) + "t"), ruleQuantizer},
		{"a scale of text", quantized("(" + name("torch", "per_tensor_affine") + text("x") + whole(0) + "t"), ruleQuantizer},
		{"no zero point", quantized("(" + name("torch", "per_tensor_affine") + double(1) + "t"), ruleQuantizer},
		{"two scales for one", quantized("(" + name("torch", "per_tensor_affine") + "](" + double(1) + double(1) + "e" + whole(0) + "t"), ruleQuantizer},
		{"fewer scales than channels", quantized("(" + name("torch", "per_channel_affine") + "](" + double(1) + "e](" + whole(0) + "e" + whole(0) + "t"), ruleQuantizer},
		{"an axis that is not there", quantized("(" + name("torch", "per_channel_affine") + "](" + double(1) + "e](" + whole(0) + "e" + whole(2) + "t"), ruleQuantizer},
		{"a negative axis", quantized("(" + name("torch", "per_channel_affine") + "](" + double(1) + "e](" + whole(0) + "e" + whole(-1) + "t"), ruleQuantizer},
		{"scales in no storage", quantized("(" + name("torch", "per_channel_affine") + rebuilt(stored("DoubleStorage", "9", 2), 0, sizes(2), sizes(1)) + "](" + whole(0) + whole(0) + "e" + whole(0) + "t"), ruleNoStorage},
		{"floats that are quantized", one(quantizedBy("FloatStorage", "0", 6, sizes(2, 3), sizes(3, 1), "("+name("torch", "per_tensor_affine")+double(1)+whole(0)+"t")), ruleQuantizer},
		{"a quantized scale", quantized("(" + name("torch", "per_tensor_affine") + quantizedBy("QInt8Storage", "0", 6, sizes(1), sizes(1), "("+name("torch", "per_tensor_affine")+double(1)+whole(0)+"t") + whole(0) + "t"), ruleQuantizer},
		{"a name twice", with(program(text("w"), rebuilt(storage, 0, sizes(6), sizes(1)), text("w"), rebuilt(storage, 0, sizes(6), sizes(1)))), ruleTwice},
		{"a name for the terminal", with(program(text("w\x1b[2J"), rebuilt(storage, 0, sizes(6), sizes(1)))), ""},
		{"a list in itself", with("\x80\x02]q\x00h\x00a."), ruleDepth},
		{"a record in itself", with("\x80\x02" + name("__torch__", "X") + ")\x81q\x00h\x00b."), ruleDepth},
		{"a list of lists of lists", with("\x80\x02" + strings.Repeat("](", 100) + "N" + strings.Repeat("e", 100) + "."), ruleDepth},
		{"a tree of 2⁵⁰ leaves", with("\x80\x02]q\x00(NNe" + strings.Repeat("0](h\x00h\x00eq\x00", 50) + "."), ""},
		{"a million marks", with("\x80\x02" + strings.Repeat("(", 1_000_000)), ruleTooMany},
		{"a million dictionaries", with("\x80\x02" + strings.Repeat("}0", 2_000_000)), ruleTooMany},
		{"a deflated bomb", packed(t, zip.Deflate, "data.pkl", "\x80\x02"+strings.Repeat("N0", 10_000_000)), rulePacked},
	} {
		_, err := modeltest.Bounded(t, len(c.file), func() (*model.Model, error) { return Parse("x.pt", c.file) })
		modeltest.Refused(t, c.lie, err)
		if broken := (*model.Error)(nil); errors.As(err, &broken) && c.rule != "" && broken.Rule != c.rule {
			t.Errorf("%s: %v\nwant the rule %q", c.lie, err, c.rule)
		}
	}
}

func TestARefusedGlobalIsNamed(t *testing.T) {
	_, err := Parse("x.pt", saved(t, "\x80\x02cposix\nsystem\n"+text("id")+"\x85R."))
	if err == nil || !strings.Contains(err.Error(), "posix.system") {
		t.Errorf("got %v", err)
	}
}

// old returns a checkpoint as PyTorch wrote it before 1.6.
func old(pickle, keys string, storages ...string) []byte {
	s := "\x80\x02\x8a\x0a" + magic + ".\x80\x02M\xe9\x03.\x80\x02}." + pickle + keys
	return []byte(s + strings.Join(storages, ""))
}

func TestViewsOfOldCheckpointsBeginWithinTheirStorage(t *testing.T) {
	view := "(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + whole(6) + "(" + text("1") + whole(2) + whole(3) + "ttQ"
	count := string(binary.LittleEndian.AppendUint64(nil, 6))
	keys := "\x80\x02](" + text("0") + "e."
	m, err := Parse("x", old(program(text("w"), rebuilt(view, 1, sizes(2), sizes(1))), keys, count, six))
	if err != nil {
		t.Fatal(err)
	}
	if got := modeltest.Weights(t, m.Tensors[0]); !slices.Equal(got, []float32{4, 5}) {
		t.Errorf("got %v", got)
	}
	for lie, b := range map[string][]byte{
		"past the view":    old(program(text("w"), rebuilt(view, 1, sizes(3), sizes(1))), keys, count, six),
		"no keys":          old(program(text("w"), rebuilt(view, 1, sizes(2), sizes(1))), "\x80\x02N."),
		"an unknown key":   old(program(text("w"), rebuilt(view, 1, sizes(2), sizes(1))), "\x80\x02]("+text("9")+"e.", count, six),
		"a missing key":    old(program(text("w"), rebuilt(view, 1, sizes(2), sizes(1))), "\x80\x02].", count, six),
		"half the numbers": old(program(text("w"), rebuilt(view, 1, sizes(2), sizes(1))), keys, count, six[:20]),
		"2⁶³ numbers":      old(program(text("w"), rebuilt(view, 1, sizes(2), sizes(1))), keys, "\xff\xff\xff\xff\xff\xff\xff\x7f", six),
	} {
		_, err := Parse(lie, b)
		modeltest.Refused(t, lie, err)
	}
}

func TestTarCheckpointsThatLieAreRefused(t *testing.T) {
	for lie, parts := range map[string][]string{
		"no storages":     {"pickle", program()},
		"a negative sum":  {"storages", "\x80\x02" + whole(-1) + ".", "pickle", program()},
		"2³¹ storages":    {"storages", "\x80\x02" + whole(math.MaxInt32) + ".", "pickle", program()},
		"a storage of 42": {"storages", "\x80\x02K\x01.\x80\x02K\x2a.", "pickle", program()},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i := 0; i < len(parts); i += 2 {
			if err := w.WriteHeader(&tar.Header{Name: parts[i], Size: int64(len(parts[i+1])), Mode: 0o600, Format: tar.FormatUSTAR}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(parts[i+1])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := Parse(lie, b.Bytes())
		modeltest.Refused(t, lie, err)
	}
}

func TestRealCheckpointsOpenAndAreRead(t *testing.T) {
	for _, path := range modeltest.Corpus(t, "torch", "*") {
		m, err := Open(path)
		if strings.Contains(path, "broken") { // three letters
			modeltest.Refused(t, path, err)
			continue
		}
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

// opened opens a file of the corpus.
func opened(t *testing.T, open func(string) (*model.Model, error), folder, file string) *model.Model {
	t.Helper()
	m, err := open(modeltest.Corpus(t, folder, file)[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestCheckpointsHaveTheLayersOfTheirSiblings(t *testing.T) {
	checkpoint, sibling := opened(t, Open, "torch", "burn_mnist.pt"), opened(t, safetensors.Open, "safetensors", "burn_mnist.safetensors")
	if len(checkpoint.Tensors) != len(sibling.Tensors) {
		t.Errorf("%d tensors, want %d", len(checkpoint.Tensors), len(sibling.Tensors))
	}
	for _, want := range sibling.Tensors { // trained apart: the weights differ
		if got := modeltest.Tensor(t, checkpoint, want.Name); !slices.Equal(got.Shape, want.Shape) || got.DType != want.DType {
			t.Errorf("%q is %s %v, want %s %v", got.Name, got.DType, got.Shape, want.DType, want.Shape)
		}
	}
	script, sibling := opened(t, Open, "torch", "silero_vad.jit"), opened(t, safetensors.Open, "safetensors", "silero_vad_16k.safetensors")
	modeltest.Same(t, modeltest.Tensor(t, script, "_model.stft.forward_basis_buffer"), modeltest.Tensor(t, sibling, "stft_conv.weight"))
}

func TestATransposedTensorIsReadInItsOrder(t *testing.T) {
	m := opened(t, Open, "torch", "fortran_tensor_3d.pth")
	for i, x := range modeltest.Weights(t, m.Tensors[0]) {
		if x != float32(i)+1 {
			t.Errorf("weight %d is %v", i, x)
		}
	}
}

func TestHostileFilesAreRefusedByARule(t *testing.T) {
	for _, path := range append(modeltest.Corpus(t, "hostile", "*.pkl"), modeltest.Corpus(t, "hostile", "*.pt")...) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = modeltest.Bounded(t, int(info.Size()), func() (*model.Model, error) { return Open(path) })
		modeltest.Refused(t, path, err)
		if filepath.Base(path) == "unsafe_zip_pytorch.pt" && !strings.Contains(err.Error(), "posix.system") {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzOpen holds the reader to its promise for any bytes.
func FuzzOpen(f *testing.F) {
	f.Add(saved(f, program(text("w"), rebuilt(stored("FloatStorage", "0", 6), 0, sizes(3, 2), sizes(1, 3))), "data/0", six))
	modeltest.Seed(f, "torch", "*", 20_000)
	modeltest.Seed(f, "hostile", "*.p*", 20_000)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return Parse("fuzz", b) })
		if err != nil {
			modeltest.Refused(t, "fuzz", err)
			return
		}
		modeltest.ReadAll(t, m, 1<<20)
	})
}

// FuzzPickle gives the machine any program, without an archive's checksums and
// lengths in the way.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(program(text("w"), rebuilt(stored("FloatStorage", "0", 6), 0, sizes(3, 2), sizes(1, 3)))))
	f.Add([]byte(program(text("w"), quantizedBy("QUInt8Storage", "0", 6, sizes(2, 3), sizes(3, 1), "("+name("torch", "per_tensor_affine")+double(0.5)+whole(128)+"t"))))
	f.Add([]byte(program(text("w"), quantizedBy("QInt8Storage", "1", 6, sizes(2, 3), sizes(1, 2), "("+name("torch", "per_channel_affine")+"]("+double(2)+double(4)+"e"+rebuilt(stored("IntStorage", "0", 3), 0, sizes(2), sizes(1))+whole(0)+"t"))))
	f.Add([]byte("\x80\x02" + name("__torch__.net", "Net") + ")\x81}(" + text("a") + "]q\x00h\x00\x85b."))
	f.Add([]byte("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94F1.5\nI01\nL7L\nG\x00\x00\x00\x00\x00\x00\x00\x00\x88\x89\x872(NN1\x8f(K\x01\x90."))
	for _, path := range corpusPickles(f) {
		f.Add(path)
	}
	file := model.NewFile("data", []byte(six))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := newMachine("fuzz")
		m.feed(b, 0)
		value, err := m.run()
		w := &walker{m: m}
		if err == nil {
			err = w.walk("", value, 0)
		}
		opened := &model.Model{Name: "fuzz", Path: "fuzz"}
		if err == nil {
			err = add(opened, w.found, len(b)%2 == 1, func(*storage) (place, error) {
				return place{file, 0, file.Size()}, nil
			})
		}
		if err != nil {
			modeltest.Refused(t, "fuzz", err)
			return
		}
		modeltest.ReadAll(t, opened, 1<<20)
	})
}

// corpusPickles returns the pickles of the corpus's archives.
func corpusPickles(f *testing.F) [][]byte {
	shared := os.Getenv("BITDIAL_SHARED")
	if shared == "" {
		return nil
	}
	paths, err := filepath.Glob(filepath.Join(shared, "corpus", "torch", "*.pt"))
	if err != nil {
		f.Fatal(err)
	}
	var pickles [][]byte
	for _, path := range paths {
		z, err := zip.OpenReader(path)
		if err != nil {
			continue // an old one
		}
		for _, member := range z.File {
			if !strings.HasSuffix(member.Name, "/"+dataPickle) {
				continue
			}
			r, err := member.Open()
			if err != nil {
				f.Fatal(err)
			}
			var b bytes.Buffer
			if _, err := b.ReadFrom(r); err != nil {
				f.Fatal(err)
			}
			pickles = append(pickles, b.Bytes())
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
	}
	return pickles
}

func TestDamagedFilesAreRefusedOrReadWithinBounds(t *testing.T) {
	scale := rebuilt(stored("DoubleStorage", "1", 1), 0, sizes(1), sizes(1))
	values := program(
		text("w"), rebuilt(stored("FloatStorage", "0", 6), 0, sizes(3, 2), sizes(1, 3)),
		text("q"), quantizedBy("QInt8Storage", "2", 2, sizes(1, 2), sizes(2, 1), "("+name("torch", "per_channel_affine")+scale+"]("+whole(1)+"e"+whole(0)+"t"),
	)
	zipped := saved(t, values, "data/0", six, "data/1", doubles(0.5), "data/2", "\x01\x02")
	count := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	legacy := old(values, "\x80\x02]("+text("0")+text("1")+text("2")+"e.", count(6), six, count(1), doubles(0.5), count(2), "\x01\x02")
	for _, b := range [][]byte{zipped, deflated(t, zipped), legacy} {
		modeltest.Damaged(t, b, len(b), func(data []byte) (*model.Model, error) { return Parse("damaged", data) })
	}
}
