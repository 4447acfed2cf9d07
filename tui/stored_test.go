package tui

import (
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// quantizedAlready returns a model of 256×256 zeros in each type of blocks,
// and a bias.
func quantizedAlready(t *testing.T) *model.Model {
	t.Helper()
	m := &model.Model{Name: "m"}
	for _, d := range append([]*model.DType{model.F32}, model.Blocks...) {
		size, _ := d.Size(1 << 16)
		f := model.NewFile("m", make([]byte, size))
		tensor, err := model.NewTensor("blk.0."+d.Name, d, []int{256, 256}, f, 0)
		if err != nil {
			t.Fatal(err)
		}
		m.Tensors, m.Files = append(m.Tensors, tensor), append(m.Files, f)
	}
	return m
}

func TestWhatIsQuantizedAlreadyShowsAsWhatItIs(t *testing.T) {
	s := sit(t, quantizedAlready(t), 160, 45)
	s.shows("stored", "q4_K", "iq2_xxs", "mxfp4", "f32", "int8", "1.70 M weights of 4.83 bits")
	s.press("down down down") // from f32 past q4_0 and q4_1
	s.shows("65.5 k q5_0", "44.0 KiB → 64.0 KiB")
	s.press("> > >")
	s.shows("sorted by stored")
}

func TestWhereNothingIsQuantizedTheListDoesWithoutWhatIsStored(t *testing.T) {
	s := sitWithSample(t, 160, 45)
	s.hides("stored")
	s.press("> > >")
	s.hides("sorted by stored")
}
