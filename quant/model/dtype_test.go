package model_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/bitdial/bitdial/quant/model"
)

// encoded returns x as d stores it.
func encoded(d *model.DType, x ...float32) []byte {
	b := make([]byte, len(x)*d.Bytes)
	d.Encode(b, x)
	return b
}

// decoded returns the weights that b holds.
func decoded(d *model.DType, b []byte) []float32 {
	x := make([]float32, len(b)/d.Bytes)
	d.Decode(x, b)
	return x
}

func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestWhatATypeHoldsIsStoredAndReadBackUnchanged(t *testing.T) {
	for _, d := range model.DTypes {
		t.Run(d.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				drawn := rapid.SliceOfN(rapid.Float32(), 1, 40).Draw(t, "weights")
				held := decoded(d, encoded(d, drawn...))
				for i, again := range decoded(d, encoded(d, held...)) {
					if !same(again, held[i]) {
						t.Fatalf("%v is stored as %v and then as %v", drawn[i], held[i], again)
					}
				}
			})
		})
	}
}

func TestIntegersSaturateAndRoundHalvesToEven(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		d    *model.DType
		x, y float32
	}{
		{model.I8, 0.5, 0},
		{model.I8, 1.5, 2},
		{model.I8, -2.5, -2},
		{model.I8, 127.5, 127},
		{model.I8, -inf, -128},
		{model.I8, nan, 0},
		{model.U8, -1, 0},
		{model.U8, 254.5, 254},
		{model.U8, inf, 255},
		{model.I16, 40000, 32767},
		{model.I16, -40000, -32768},
		{model.U16, 70000, 65535},
		{model.U16, -0.5, 0},
		{model.I32, 3e9, 1 << 31},
		{model.I32, -3e9, -1 << 31},
		{model.U32, 5e9, 1 << 32},
		{model.U32, -5, 0},
		{model.I64, 1e20, 1 << 63},
		{model.I64, -1e20, -1 << 63},
		{model.U64, 1e20, 1 << 64},
		{model.U64, -1e20, 0},
		{model.Bool, -3, 1},
		{model.Bool, 0, 0},
		{model.Bool, nan, 1},
	} {
		if y := decoded(c.d, encoded(c.d, c.x))[0]; y != c.y {
			t.Errorf("%s: %v is stored as %v, want %v", c.d, c.x, y, c.y)
		}
	}
}

func TestWideTypesAreRoundedToTheNearestFloat32(t *testing.T) {
	var b [8]byte
	// Halfway between two float32, with an even one below, and just past it.
	for _, c := range []struct {
		d    *model.DType
		bits uint64
		want float32
	}{
		{model.F64, math.Float64bits(1 + 0x1p-24), 1},
		{model.F64, math.Float64bits(1 + 0x1p-24 + 0x1p-50), 1 + 0x1p-23},
		{model.F64, math.Float64bits(1e300), float32(math.Inf(1))},
		{model.I64, 1<<24 + 1, 1 << 24},
		{model.I64, 1<<24 + 3, 1<<24 + 4},
		{model.U64, math.MaxUint64, 1 << 64},
		{model.U64, 1<<63 + 1<<39, 1 << 63},
		{model.U64, 1<<63 + 1<<39 + 1, 1<<63 + 1<<40},
	} {
		binary.LittleEndian.PutUint64(b[:], c.bits)
		if got := decoded(c.d, b[:])[0]; got != c.want {
			t.Errorf("%s %#x: got %v, want %v", c.d, c.bits, got, c.want)
		}
	}
}

func TestFloat8HasTheSpecifiedSpecialValues(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		d    *model.DType
		code byte
		x    float32
	}{
		{model.F8E4M3, 0x00, 0},
		{model.F8E4M3, 0x01, 0x1p-9},
		{model.F8E4M3, 0x08, 0x1p-6},
		{model.F8E4M3, 0x38, 1},
		{model.F8E4M3, 0x7e, 448},
		{model.F8E4M3, 0xfe, -448},
		{model.F8E4M3, 0x7f, float32(math.NaN())},
		{model.F8E4M3, 0xff, float32(math.NaN())},
		{model.F8E5M2, 0x01, 0x1p-16},
		{model.F8E5M2, 0x04, 0x1p-14},
		{model.F8E5M2, 0x3c, 1},
		{model.F8E5M2, 0x7b, 57344},
		{model.F8E5M2, 0x7c, inf},
		{model.F8E5M2, 0xfc, -inf},
		{model.F8E5M2, 0x7d, float32(math.NaN())},
	} {
		if x := decoded(c.d, []byte{c.code})[0]; !same(x, c.x) {
			t.Errorf("%s %#02x is %v, want %v", c.d, c.code, x, c.x)
		}
	}
	for _, c := range []struct {
		d    *model.DType
		x    float32
		code byte
	}{
		{model.F8E4M3, 1e9, 0x7e},
		{model.F8E4M3, -inf, 0xfe},
		{model.F8E5M2, 1e9, 0x7b},
		{model.F8E5M2, -inf, 0xfc},
		{model.F8E4M3, float32(math.NaN()), 0x7f},
		{model.F8E5M2, float32(math.NaN()), 0x7f},
		{model.F8E4M3, float32(math.Copysign(0, -1)), 0x80},
	} {
		if code := encoded(c.d, c.x)[0]; code != c.code {
			t.Errorf("%s: %v is stored as %#02x, want %#02x", c.d, c.x, code, c.code)
		}
	}
}

func TestFloat8RoundsAsONNXRuntimeDoes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(shared(t), "golden", "minifloat.json"))
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct{ X, Y []float32 }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*model.DType{"e4m3fn": model.F8E4M3, "e5m2": model.F8E5M2} {
		g := golden[name]
		if len(g.X) == 0 {
			t.Fatalf("no numbers for %s", name)
		}
		for i, y := range decoded(d, encoded(d, g.X...)) {
			if !same(y, g.Y[i]) {
				t.Errorf("%s: %v becomes %v, want %v", name, g.X[i], y, g.Y[i])
			}
		}
	}
}

// shared returns the folder of test files that are too many for the project.
func shared(t testing.TB) string {
	folder := os.Getenv("BITDIAL_SHARED")
	if folder == "" {
		t.Skip("BITDIAL_SHARED is not set: it names the folder of corpus/ and golden/")
	}
	return folder
}
