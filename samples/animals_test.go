package samples

import (
	"bytes"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryAnimalHasDesignsToLearnAndOnesHeldOut(t *testing.T) {
	loaded := loadDesigns()
	seen, unseen := 0, 0
	for i, name := range animals {
		if len(loaded.seen[i]) < 4 || len(loaded.unseen[i]) < 1 {
			t.Errorf("%s: %d drawings, and %d held out", name, len(loaded.seen[i]), len(loaded.unseen[i]))
		}
		seen, unseen = seen+len(loaded.seen[i]), unseen+len(loaded.unseen[i])
	}
	if seen != 86 || unseen != 18 {
		t.Errorf("%d drawings and %d held out; the model card counts 86 and 18", seen, unseen)
	}
}

func TestDrawingsAreOfTheirSize(t *testing.T) {
	err := fs.WalkDir(drawingFiles, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := drawingFiles.ReadFile(name)
		if err != nil {
			return err
		}
		c, err := png.DecodeConfig(bytes.NewReader(data))
		if err == nil && (c.Width != drawn || c.Height != drawn) {
			t.Errorf("%s: %d×%d pixels", name, c.Width, c.Height)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryArtworkIsCreditedAndItsLicenceThere(t *testing.T) {
	card, err := os.ReadFile("animals/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Artworks {
		for _, fact := range []string{"`" + a.Folder + "`", a.Title, a.Licence, a.Source} {
			if title, _, _ := strings.Cut(fact, ", flat"); !strings.Contains(string(card), title) {
				t.Errorf("the model card does not say %s", fact)
			}
		}
		if _, err := os.Stat(filepath.Join("animals", "LICENSES", a.Licence+".txt")); err != nil {
			t.Error(err)
		}
	}
}

func TestSineAndCosineAreRightToTheLastPlace(t *testing.T) {
	for angle := int64(-one); angle <= one; angle += 7 {
		sin, cos := sincos(angle)
		wantSin, wantCos := math.Sincos(float64(angle) / one)
		if math.Abs(float64(sin)-wantSin*one) > 1 || math.Abs(float64(cos)-wantCos*one) > 2 {
			t.Fatalf("%d: %d and %d instead of %.2f and %.2f", angle, sin, cos, wantSin*one, wantCos*one)
		}
	}
}

// TestAnAnimalCanBeSeen holds the contrast between drawing and background: a
// picture with one differs from the same one without it.
func TestAnAnimalCanBeSeen(t *testing.T) {
	faint, n := 0, 1000
	for i := range n {
		r := newRandom(3, uint64(i))
		d := loadDesigns().seen[i%len(animals)][0]
		c := newTint(&r)
		var with [area]byte
		paintBackground(&with, &r, c.of(d.mean))
		without := with
		paintDrawing(&with, d, newPlacement(&r), &c)
		changed := 0
		for j := 0; j < area; j += 3 {
			difference := 0
			for k := range 3 {
				difference += max(int(with[j+k])-int(without[j+k]), int(without[j+k])-int(with[j+k]))
			}
			if difference > 60 {
				changed++
			}
		}
		if changed < side*side/12 {
			faint++
		}
	}
	if faint > n/100 {
		t.Errorf("%d of %d animals are hardly seen", faint, n)
	}
}
