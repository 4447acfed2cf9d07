package samples

// Text is what a network that continues a text is trained and judged on: ASCII,
// a paragraph a line. Its parts are unpacked when they are first asked for.
type Text struct {
	Alphabet string // the characters that occur, sorted; a network's classes

	train, heldOut func() []byte
	validation     int // how much of what is held out is for validation
}

// Train returns the text to train on.
func (t *Text) Train() []byte { return t.train() }

// Validation returns the text by which to choose among networks.
func (t *Text) Validation() []byte { return t.heldOut()[:t.validation] }

// Test returns the text by which to judge a network.
func (t *Text) Test() []byte { return t.heldOut()[t.validation:] }

// Window returns n successive bytes of a text, at a random place that seed and i
// choose; the text must have as many.
func Window(text []byte, n int, seed uint64, i int) []byte {
	r := newRandom(seed, uint64(i))
	start := r.below(len(text) - n + 1)
	return text[start : start+n : start+n]
}
