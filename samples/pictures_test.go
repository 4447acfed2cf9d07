package samples

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// pictureSet is a set of pictures of a sample, by its name in tests.
type pictureSet struct {
	name string
	of   *Pictures
	set  Set
}

func allPictures() (all []pictureSet) {
	for _, s := range All {
		p := s.Pictures
		if p == nil {
			continue
		}
		all = append(
			all,
			pictureSet{s.Name + " train", p, p.Train(1)},
			pictureSet{s.Name + " train 2", p, p.Train(2)},
			pictureSet{s.Name + " validation", p, p.Validation()},
		)
		for _, test := range p.Tests {
			all = append(all, pictureSet{s.Name + " " + test.Name, p, test.Set()})
		}
	}
	return all
}

// checksums are the beginnings of SHA-256 of the pixels and labels of the first
// thousand pictures. They are the same on every machine; a change of them is a
// change of what networks are judged on.
var checksums = map[string]string{
	"animals train":      "6d9fd8b7d73fe528",
	"animals train 2":    "313d3f78855e3878",
	"animals validation": "c892996099b4278b",
	"animals renderings": "ffd14eb79bf33a32",
	"animals designs":    "87a067fb3e47a6a9",
	"fashion train":      "18f36ad0aac63dc5",
	"fashion train 2":    "070230769b210273",
	"fashion validation": "14af621e1578890b",
	"fashion test":       "26e3b6c361b77a93",
}

func TestPicturesAreTheSameBytesEverywhere(t *testing.T) {
	for _, s := range allPictures() {
		h := sha256.New()
		picture := make([]byte, s.of.Size()+1)
		for i := range min(s.set.Len(), 1000) {
			picture[s.of.Size()] = byte(s.set.Pixels(i, picture[:s.of.Size()]))
			h.Write(picture)
		}
		if sum := fmt.Sprintf("%x", h.Sum(nil)[:8]); sum != checksums[s.name] {
			t.Errorf("%q: %q", s.name, sum)
		}
	}
}

func TestPicturesDoNotDependOnOrderOrThreads(t *testing.T) {
	const n = 200
	for _, s := range allPictures() {
		inOrder := make([][]byte, n)
		for i := range inOrder {
			inOrder[i] = make([]byte, s.of.Size())
			s.set.Pixels(i, inOrder[i])
		}
		var wait sync.WaitGroup
		for worker := range 4 {
			wait.Go(func() {
				picture := make([]byte, s.of.Size())
				for i := n - 1 - worker; i >= 0; i -= 3 {
					s.set.Pixels(i, picture)
					if !slices.Equal(picture, inOrder[i]) {
						t.Errorf("%s: picture %d differs when it is read out of order", s.name, i)
						return
					}
				}
			})
		}
		wait.Wait()
	}
}

func TestReadIsPixelsByChannels(t *testing.T) {
	for _, s := range allPictures() {
		pixels, x := make([]byte, s.of.Size()), make([]float32, s.of.Size())
		for i := range 30 {
			label := s.set.Pixels(i, pixels)
			if got := s.set.Read(i, x); got != label {
				t.Fatalf("%s: picture %d is of class %d or %d", s.name, i, got, label)
			}
			for j, v := range pixels {
				at := j%s.of.Channels*s.of.Height*s.of.Width + j/s.of.Channels
				if want := float32(v)/255 - 0.5; x[at] != want {
					t.Fatalf("%s: picture %d: value %d is %v instead of %v", s.name, i, at, x[at], want)
				}
			}
		}
	}
}

func TestClassesAreBalanced(t *testing.T) {
	for _, s := range allPictures() {
		n := min(s.set.Len(), 1200)
		counts := make([]int, len(s.of.Classes))
		pixels := make([]byte, s.of.Size())
		for i := range n {
			counts[s.set.Pixels(i, pixels)]++
		}
		for class, count := range counts {
			if fair := n / len(counts); count < fair*4/5 || count > fair*6/5 {
				t.Errorf("%s: %d of %d pictures are of class %s", s.name, count, n, s.of.Classes[class])
			}
		}
	}
}

func TestNoPictureComesTwice(t *testing.T) {
	seen := map[string]string{}
	for _, s := range allPictures() {
		if s.name == "fashion train 2" {
			continue // the pictures of the first training set in another order
		}
		pixels := make([]byte, s.of.Size())
		for i := range 300 {
			s.set.Pixels(i, pixels)
			name := fmt.Sprintf("%s %d", s.name, i)
			if other, found := seen[string(pixels)]; found {
				t.Errorf("%s is the same picture as %s", name, other)
			}
			seen[string(pixels)] = name
		}
	}
}

func TestPicturesAreMadeWithoutAllocating(t *testing.T) {
	for _, s := range allPictures() {
		pixels, x := make([]byte, s.of.Size()), make([]float32, s.of.Size())
		i := 0
		if n := testing.AllocsPerRun(100, func() {
			s.set.Pixels(i, pixels)
			s.set.Read(i, x)
			i++
		}); n > 0 {
			t.Errorf("%s: %v allocations for a picture", s.name, n)
		}
	}
}

func TestTrainingNeverSeesWhatJudgesIt(t *testing.T) {
	train, p := fashionPictures.Train(1).(varied), fashionPictures
	trained := map[string]bool{}
	for i := range train.labelled.Len() {
		trained[string(train.picture(i))] = true
	}
	for _, s := range []Set{p.Validation(), p.Tests[0].Set()} {
		pixels := make([]byte, p.Size())
		for i := range s.Len() {
			if s.Pixels(i, pixels); trained[string(pixels)] {
				t.Errorf("picture %d is trained on", i)
			}
		}
	}
}

func BenchmarkReadAnimal(b *testing.B) { benchmarkRead(b, animalPictures) }

func BenchmarkReadGarment(b *testing.B) { benchmarkRead(b, fashionPictures) }

// benchmarkRead reports pictures per second on one core.
func benchmarkRead(b *testing.B, p *Pictures) {
	set, x := p.Train(1), make([]float32, p.Size())
	set.Read(0, x)
	i := 0
	for b.Loop() {
		set.Read(i, x)
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "pictures/s")
}
