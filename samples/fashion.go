package samples

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"
)

const garment = 28 // pixels of a picture of clothing in each direction

// garments are the classes of Fashion-MNIST, in its order.
var garments = []string{
	"T-shirt", "trousers", "pullover", "dress", "coat",
	"sandal", "shirt", "sneaker", "bag", "ankle boot",
}

//go:embed fashion/*.gz
var fashionFiles embed.FS

// fashionPictures are those that the program carries.
var fashionPictures = func() *Pictures {
	load := func(name string) func() labelled {
		return sync.OnceValue(func() labelled {
			s, err := readLabelled(fashionFiles, "fashion/"+name)
			if err != nil {
				panic(err)
			}
			return s
		})
	}
	return newFashion(load("train"), load("t10k"), "a fifth of the test pictures of Fashion-MNIST, 200 of each class")
}()

// ReadFashion returns the pictures of Fashion-MNIST, or of others in its format
// and classes, in a folder: train-images-idx3-ubyte, train-labels-idx1-ubyte,
// t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each of which may be
// compressed, with .gz after its name.
func ReadFashion(folder fs.FS) (*Pictures, error) {
	train, err := readLabelled(folder, "train")
	if err != nil {
		return nil, err
	}
	test, err := readLabelled(folder, "t10k")
	if err != nil {
		return nil, err
	}
	if len(train.labels) < 10 {
		return nil, fmt.Errorf("train-images-idx3-ubyte: it holds %d pictures; training needs 10 at least", len(train.labels))
	}
	return newFashion(
		func() labelled { return train }, func() labelled { return test }, "the test pictures of Fashion-MNIST"), nil
}

// newFashion sets the first tenth of the training pictures apart for validation.
func newFashion(train, test func() labelled, about string) *Pictures {
	return &Pictures{
		Classes:  garments,
		Channels: 1, Height: garment, Width: garment,
		train: func(seed uint64) Set {
			all := train()
			return varied{all.part(all.Len()/10, all.Len()), seed}
		},
		validation: func() Set {
			all := train()
			return all.part(0, all.Len()/10)
		},
		Tests: []Test{{"test", about, func() Set { return test() }}},
	}
}

// labelled is a set of grey pictures in memory.
type labelled struct {
	values []byte
	labels []byte
}

// readLabelled reads a pair of files of pictures and their labels.
func readLabelled(fsys fs.FS, name string) (labelled, error) {
	values, pictures, err := readIDX(fsys, name+"-images-idx3-ubyte", garment, garment)
	if err != nil {
		return labelled{}, err
	}
	name += "-labels-idx1-ubyte"
	labels, n, err := readIDX(fsys, name)
	if err != nil {
		return labelled{}, err
	}
	if n != pictures {
		return labelled{}, fmt.Errorf("%s: it holds %d labels for %d pictures", name, n, pictures)
	}
	for i, label := range labels {
		if int(label) >= len(garments) {
			return labelled{}, fmt.Errorf("%s: label %d is %d, which must be less than %d", name, i, label, len(garments))
		}
	}
	return labelled{values, labels}, nil
}

// part returns the pictures from i up to j.
func (s labelled) part(i, j int) labelled {
	const size = garment * garment
	return labelled{s.values[i*size : j*size], s.labels[i:j]}
}

func (s labelled) Len() int { return len(s.labels) }

func (s labelled) Pixels(i int, grey []byte) int {
	copy(grey, s.picture(i))
	return int(s.labels[i])
}

func (s labelled) Read(i int, x []float32) int {
	normalize(x, s.picture(i))
	return int(s.labels[i])
}

func (s labelled) picture(i int) []byte {
	return s.values[i*garment*garment:][:garment*garment]
}

// normalize gives x the values of grey pixels as networks take them.
func normalize(x []float32, grey []byte) {
	x = x[:len(grey)]
	for j, v := range grey {
		x[j] = levels[v]
	}
}

// varied is an endless set: all pictures of another one in a random order, then
// again in another order, each mirrored or not and moved by up to two pixels.
type varied struct {
	labelled
	seed uint64
}

func (varied) Len() int { return Endless }

func (s varied) Read(i int, x []float32) int {
	var grey [garment * garment]byte
	label := s.Pixels(i, grey[:])
	normalize(x, grey[:])
	return label
}

func (s varied) Pixels(i int, grey []byte) int {
	n := s.labelled.Len()
	epoch := newRandom(s.seed, uint64(i/n))
	from := shuffled(i%n, n, epoch.next())
	r := newRandom(s.seed^golden, uint64(i))
	dx, dy, mirrored := r.between(-2, 2), r.between(-2, 2), r.below(2) == 0
	picture := s.picture(from)
	for y := range garment {
		row := grey[y*garment:][:garment]
		clear(row)
		if y+dy < 0 || y+dy >= garment {
			continue
		}
		source := picture[(y+dy)*garment:][:garment]
		copy(row[max(-dx, 0):], source[max(dx, 0):garment+min(dx, 0)])
		if mirrored {
			for l, r := 0, garment-1; l < r; l, r = l+1, r-1 {
				row[l], row[r] = row[r], row[l]
			}
		}
	}
	return int(s.labels[from])
}
