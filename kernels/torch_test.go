package kernels

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// torchGolden is what torch's observers and quantize functions gave for rows
// of 1024 weights.
type torchGolden struct {
	Rows      []int `json:"rows"`
	PerTensor map[string][]struct {
		Row   int     `json:"row"`
		Scale float32 `json:"scale"`
		Zero  int32   `json:"zero_point"`
		Q     []int32 `json:"q"`
	} `json:"per_tensor"`
	PerChannel map[string]struct {
		Scale []float32 `json:"scale"`
		Zero  []int32   `json:"zero_point"`
		Q     [][]int32 `json:"q"`
	} `json:"per_channel"`
	STE struct {
		Row   int       `json:"row"`
		Scale float32   `json:"scale"`
		Zero  int32     `json:"zero_point"`
		Y     []float32 `json:"y16"`
	} `json:"ste"`
}

func readTorch(t *testing.T) (torchGolden, func(row int) []float32) {
	t.Helper()
	root := os.Getenv("BITDIAL_SHARED")
	if root == "" {
		t.Skip("BITDIAL_SHARED is not set")
	}
	text, err := os.ReadFile(filepath.Join(root, "golden", "torch_int8.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g torchGolden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "golden", "ggml", "input.f32"))
	if err != nil {
		t.Fatal(err)
	}
	return g, func(row int) []float32 {
		x := make([]float32, 1024)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*(1024*row+i):]))
		}
		return x
	}
}

// TestIntegersAreTorchs holds scale, zero point and every integer to torch's.
// Its unsigned codes are the signed ones, 128 higher.
func TestIntegersAreTorchs(t *testing.T) {
	golden, row := readTorch(t)
	for name, c := range map[string]struct {
		fit    Fit
		offset int32
	}{
		"qint8_affine":    {Fit{Bits: 8, Asymmetric: true, Store: Stores[0]}, 0},
		"quint8_affine":   {Fit{Bits: 8, Asymmetric: true, Store: Stores[0]}, 128},
		"qint8_symmetric": {Fit{Bits: 8, Full: true, Store: Stores[0]}, 0},
	} {
		if len(golden.PerTensor[name]) == 0 {
			t.Errorf("%s: no rows", name)
		}
		for _, want := range golden.PerTensor[name] {
			x := row(want.Row)
			a := c.fit.Affine(Extremes(x))
			compareTorch(t, name, want.Row, a, c.offset, x, want.Scale, want.Zero, want.Q)
		}
	}
	channels := golden.PerChannel["qint8_symmetric_rows0_7"]
	for i, scale := range channels.Scale {
		x := row(i)
		a := Fit{Bits: 8, Full: true, Store: Stores[0]}.Affine(Extremes(x))
		compareTorch(t, "per channel", i, a, 0, x, scale, channels.Zero[i], channels.Q[i])
	}
}

func compareTorch(t *testing.T, name string, row int, a Affine, offset int32, x []float32, scale float32, zero int32, q []int32) {
	t.Helper()
	if a.Scale != scale || a.Zero+offset != zero {
		t.Errorf("%s, row %d: scale %v and zero point %d, want %v and %d", name, row, a.Scale, a.Zero+offset, scale, zero)
		return
	}
	y := make([]float32, len(x))
	a.RoundTrip(y, x, Roundings[0], 0, 0)
	for i, v := range x {
		step := a.Trace(v, Roundings[0], 0, 0)
		if step.Code+offset != q[i] || y[i] != step.Value {
			t.Errorf("%s, row %d: weight %d, %v, becomes %d and %v, want %d", name, row, i, v, step.Code+offset, y[i], q[i])
			return
		}
	}
}

func TestFakeQuantizationIsTorchs(t *testing.T) {
	golden, row := readTorch(t)
	a := Affine{Scale: golden.STE.Scale, Zero: golden.STE.Zero, Min: -128, Max: 127}
	x := row(golden.STE.Row)[:len(golden.STE.Y)]
	y := make([]float32, len(x))
	a.RoundTrip(y, x, Roundings[0], 0, 0)
	for i := range y {
		if y[i] != golden.STE.Y[i] {
			t.Errorf("weight %d, %v, comes back as %v, want %v", i, x[i], y[i], golden.STE.Y[i])
		}
	}
}
