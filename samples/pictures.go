package samples

// Pictures is what a network that tells pictures apart is trained and judged
// on. Its sets are made or unpacked when they are first asked for.
type Pictures struct {
	Classes                 []string
	Channels, Height, Width int // 3 channels are red, green and blue; 1 is grey
	Tests                   []Test

	train      func(seed uint64) Set
	validation func() Set
}

// Test is a set of pictures that no network has seen in training.
type Test struct {
	Name  string
	About string // what it asks, in a sentence

	set func() Set
}

// Set returns the pictures of the test.
func (t Test) Set() Set { return t.set() }

// Train returns the pictures to train on: an endless sequence in a random order
// that seed chooses, varied at random. Its beginning serves calibration.
func (p *Pictures) Train(seed uint64) Set { return p.train(seed) }

// Validation returns the pictures by which to choose among networks.
func (p *Pictures) Validation() Set { return p.validation() }

// Size returns the number of values of one picture.
func (p *Pictures) Size() int { return p.Channels * p.Height * p.Width }

// Endless is the length of a set without end.
const Endless = 1<<31 - 1

// Set is a list of labelled pictures, each of which can be had by itself, in any
// order and by several goroutines at a time. Nothing is allocated per picture.
type Set interface {
	// Len returns the number of pictures, or Endless.
	Len() int

	// Read writes picture i to x as a network takes it, channel by channel and
	// row by row, each byte v as v/255 − 1/2, and returns its class.
	Read(i int, x []float32) (label int)

	// Pixels writes picture i to rgb for the screen, row by row with the channels
	// of a pixel side by side, and returns its class.
	Pixels(i int, rgb []byte) (label int)
}

// levels holds what a network is given for each byte: v/255 − 1/2.
var levels = func() (table [256]float32) {
	for v := range table {
		table[v] = float32(v)/255 - 0.5
	}
	return table
}()
