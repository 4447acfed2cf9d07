package tui

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/files"
)

// matrixFile writes an importance matrix of the older form for the weights of m but
// the embedding. Column 5 matters most by far.
func matrixFile(t *testing.T, m *model.Model, name string, rows int) string {
	t.Helper()
	var b, entries []byte
	n := 0
	word := func(v int) { entries = binary.LittleEndian.AppendUint32(entries, uint32(v)) }
	for _, x := range m.Tensors {
		if len(x.Shape) != 2 || x.Name == "token_embd.weight" {
			continue
		}
		n++
		word(len(x.Name))
		entries = append(entries, x.Name...)
		word(1)
		word(rows)
		for c := range rows {
			v := float32(1 + (n*31+c*17)%13)
			if c == 5 {
				v = 400
			}
			word(int(math.Float32bits(v)))
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = append(b, entries...)
	b = binary.LittleEndian.AppendUint32(b, 125)
	b = binary.LittleEndian.AppendUint32(b, 0)
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// attachFile picks the file in the open dialog, so to speak.
func (s *sitting) attachFile(path string) {
	s.t.Helper()
	s.send(s.openFile(path, false)())
	s.t.Cleanup(func() {
		if s.weighted() {
			_ = s.importance.matrix.Close() // only read
		}
	})
}

func (s *sitting) everywhere(scheme string) {
	s.t.Helper()
	c, err := quant.ParseChoice(scheme)
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(s.change(quant.Everywhere(c))())
}

func TestEveryPageSaysWhatWeighedTheError(t *testing.T) {
	m := apart(t, blockModel(t, 6))
	s := sit(t, m, 120, 34)
	s.everywhere("q4_0")
	s.hides("imatrix", "weighted")
	s.attachFile(matrixFile(t, m, "m.imatrix", 64))
	s.shows("error is weighted by m.imatrix: it has 24 of 25 weights", "125 chunks of text", "memory*  imatrix", "SQNR weighted")
	s.press("down")
	s.shows("weighted", "importance", "share 4.", "CV 3.", "most: column 5: ", "× the mean · 64 in all")
	s.press("up")
	s.shows("importance unknown: weights count alike")
	s.press("s")
	s.shows("SQNR dB weighted by m.imatrix as planned", "q4_0: weighted SQNR", "of its error weighted by m.imatrix")
	s.press("e")
	s.shows("share of error % weighted by m.imatrix as planned")
	s.press("e")
	s.shows("SQNR dB as planned", "q4_0: SQNR")
	s.press("v")
	s.shows("SQNR dB weighted by m.imatrix against bits per weight")
	s.press("v down")
	s.shows("SQNR dB by format weighted by m.imatrix", "weighted SQNR")
	s.press("p")
	s.shows("error weighted by m.imatrix", "relative error weighted by m.imatrix", "weighted")
	s.press("e")
	s.shows(" · sqnr")
	s.hides("relative error weighted")
	s.press("e e")
	s.shows("relative error weighted by m.imatrix")
	s.press("M")
	s.shows("Importance of weights", "m.imatrix", "take it off")
	s.press("x")
	s.shows("m.imatrix is off: all weights count alike")
	for range quant.Objectives { // the notice goes, and no objective asks for importance
		s.press("e")
		s.hides("imatrix", "weighted")
	}
	s.press("s")
	for range gridMeasures {
		s.press("e")
		s.hides("weighted")
	}
}

// TestFiguresAreThoseOfTheFileThatIsWritten holds the error on the screen against
// that of the GGUF file that w writes.
func TestFiguresAreThoseOfTheFileThatIsWritten(t *testing.T) {
	m := blockModel(t, 3)
	s := sit(t, m, 120, 34)
	t.Chdir(t.TempDir())
	s.everywhere("q4_0")
	const name = "blk.1.attn_q.weight"
	scheme, err := quant.Parse("q4_0")
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for m.Tensors[i].Name != name {
		i++
	}
	alike := *s.work.figures[fact{m.Tensors[i], scheme}]
	path := matrixFile(t, m, "m.imatrix", 64)
	s.attachFile(path)
	f := s.work.figures[fact{m.Tensors[i], scheme}]
	if f == nil || !f.Exact || !(f.Weighted.SQNR() > alike.SQNR()+1) || f.E2 == alike.E2 {
		t.Fatalf("with importance the figures are %+v, without %+v", f, alike)
	}
	s.press("w down")
	s.shows("Packed with the importance of", "the matrix lacks 1:")
	s.press("enter")
	out, err := files.Open("memory-q4_0.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // only read
	x, y := make([]float32, 64*64), make([]float32, 64*64)
	if err := m.Tensors[i].Read(x, 0); err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Tensors {
		if o.Name != name {
			continue
		}
		if err := o.Read(y, 0); err != nil {
			t.Fatal(err)
		}
	}
	e2 := 0.0
	for k := range x {
		e2 += math.Pow(float64(x[k])-float64(y[k]), 2)
	}
	if math.Abs(e2-f.E2) > 1e-6*e2 {
		t.Errorf("the file has an error of %g, the screen of %g", e2, f.E2)
	}
	m.Format = "gguf" // whose names llama.cpp knows
	s.press("w down down down down")
	s.shows("--imatrix", "llama-quantize")
	if !strings.Contains(s.dialog.(*writeDialog).ready[4].preview, "--imatrix "+path) {
		t.Error("the recipe does not name the matrix")
	}
}

func TestAMatrixOfAnotherModelIsRefused(t *testing.T) {
	m := blockModel(t, 3)
	s := sit(t, m, 120, 34)
	for name, path := range map[string]string{
		"none of the tensors":      matrixFile(t, manyTensors(t, 14), "other.imatrix", 64),
		"must be as long as a row": matrixFile(t, m, "short.imatrix", 32),
		"That did not work":        filepath.Join(t.TempDir(), "missing"),
	} {
		s.attachFile(path)
		s.shows("That did not work")
		if said := strings.Join(strings.Fields(s.screen.plain()), " "); !strings.Contains(said, name) {
			t.Errorf("%s: it does not say %q:\n%s", path, name, s.screen.plain())
		}
		s.press("enter")
		s.hides("imatrix")
	}
	s.press("M")
	s.shows("Weigh error by an importance matrix")
	s.press("esc o")
	s.shows("an imatrix weighs error")
}

// TestWhatAJobFindsUnderAnotherImportanceIsForgotten attaches a matrix between a job
// and its result.
func TestWhatAJobFindsUnderAnotherImportanceIsForgotten(t *testing.T) {
	m := blockModel(t, 3)
	s := sit(t, m, 120, 34)
	s.press("down down")
	_, cmd := s.Update(keyPress("4"))
	var late []tea.Msg
	for _, c := range cmd().(tea.BatchMsg) {
		if c == nil {
			continue
		}
		if r, ok := c().(resultMsg); ok {
			late = append(late, r)
		}
	}
	if len(late) != 1 {
		t.Fatalf("%d jobs are under way", len(late))
	}
	s.attachFile(matrixFile(t, m, "m.imatrix", 64))
	found := s.work.found
	s.send(late[0])
	tensor, scheme := s.selected()
	f := s.work.figures[fact{tensor, scheme}]
	if f == nil || f.Weighted.E2 == f.E2 || s.work.found == found {
		t.Errorf("%s of %s has the figures %+v", scheme, tensor.Name, f)
	}
}
