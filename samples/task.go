package samples

import (
	"fmt"
	"os"
	"sync"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// OpenTask opens the sample called name and makes it runnable: its model, and
// its network with the data that it is for. folder, if it is not "", holds the
// whole data set where the program carries a part.
func OpenTask(name, folder string) (*model.Model, *net.Task, error) {
	m, err := Open(name)
	if err != nil {
		return nil, nil, err
	}
	t, err := DataOf(name, folder)
	if err != nil {
		return nil, nil, err
	}
	n, err := net.New(m)
	if err != nil {
		return nil, nil, err
	}
	return m, t, t.Use(n)
}

// DataOf returns the task of the sample called name without its network.
func DataOf(name, folder string) (*net.Task, error) {
	for _, s := range All {
		if s.Name != name {
			continue
		}
		switch {
		case folder != "" && name != "fashion":
			return nil, fmt.Errorf("sample %q: the program carries all of its data", name)
		case folder != "":
			p, err := ReadFashion(os.DirFS(folder))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", folder, err)
			}
			return p.task(), nil
		case s.Text != nil:
			return s.Text.task(), nil
		}
		return s.Pictures.task(), nil
	}
	_, err := Open(name) // which says what there is
	return nil, err
}

// trainingSeed chooses the sequence of pictures to train on.
const trainingSeed = 1

func (p *Pictures) task() *net.Task {
	t := &net.Task{
		Input:      []int{p.Channels, p.Height, p.Width},
		Classes:    p.Classes,
		Train:      lazily(func() Set { return p.Train(trainingSeed) }),
		Validation: lazily(p.Validation),
		Training:   net.Training{Batch: 64, Steps: 2000, Rate: 2e-3, Decay: 1e-3, Seed: 1},
		Picture: func(d net.Data, i int) ([]byte, int, int) {
			pixels := make([]byte, p.Size(), 3*p.Height*p.Width)
			d.(*pictureData).set().Pixels(i, pixels)
			if p.Channels == 1 {
				pixels = pixels[:cap(pixels)]
				for k := p.Height*p.Width - 1; k >= 0; k-- {
					pixels[3*k], pixels[3*k+1], pixels[3*k+2] = pixels[k], pixels[k], pixels[k]
				}
			}
			return pixels, p.Width, p.Height
		},
	}
	for _, test := range p.Tests {
		t.Tests = append(t.Tests, net.Test{Name: test.Name, Data: lazily(test.Set)})
	}
	return t
}

// pictureData are pictures as networks take them, unpacked when they are first
// asked for: the explorer opens without waiting for them.
type pictureData struct{ set func() Set }

func lazily(set func() Set) *pictureData { return &pictureData{sync.OnceValue(set)} }

func (d *pictureData) Len() int    { return d.set().Len() }
func (d *pictureData) Labels() int { return 1 }

func (d *pictureData) Read(i int, x []float32, labels []int) { labels[0] = d.set().Read(i, x) }

// Context is how many bytes the language model sees.
const Context = 128

// testWindows is how many places of a text it is judged at.
const testWindows = 400

func (t *Text) task() *net.Task {
	return &net.Task{
		Input:      []int{Context},
		Train:      randomWindows{t.Train},
		Validation: evenWindows{t.Validation},
		Tests:      []net.Test{{Name: "persuasion", Data: evenWindows{t.Test}}},
		Training:   net.Training{Batch: 16, Steps: 600, Rate: 1e-3, Decay: 0.01, Seed: 1},
	}
}

// randomWindows are places of a text at random, every byte to be continued.
type randomWindows struct{ text func() []byte }

func (randomWindows) Len() int    { return Endless }
func (randomWindows) Labels() int { return Context }

func (d randomWindows) Read(i int, x []float32, labels []int) {
	readWindow(Window(d.text(), Context+1, trainingSeed, i), x, labels)
}

// evenWindows are places of a text at even distances. Bytes of their first half
// are context alone: what is judged has half a window before it at least.
type evenWindows struct{ text func() []byte }

func (evenWindows) Len() int    { return testWindows }
func (evenWindows) Labels() int { return Context }

func (d evenWindows) Read(i int, x []float32, labels []int) {
	text := d.text()
	at := i * (len(text) - Context - 1) / (testWindows - 1)
	readWindow(text[at:at+Context+1], x, labels)
	for k := range Context / 2 {
		labels[k] = -1
	}
}

func readWindow(bytes []byte, x []float32, labels []int) {
	for k := range x {
		x[k], labels[k] = float32(bytes[k]), int(bytes[k+1])
	}
}
