// Package samples is the models that the program carries, so that there is
// something to look at before a model is at hand, and the data that they are
// trained and judged on: drawings, pictures and novels, the same bytes on every
// machine. It knows of no network but its weights.
package samples

import (
	_ "embed" // the samples are embedded files
	"fmt"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// Sample is a model that the program carries, and its data: either pictures or
// text.
type Sample struct {
	Name  string // what Open takes
	About string // what it is, in a sentence

	Pictures *Pictures
	Text     *Text

	data []byte // a safetensors file
}

// Prefix precedes the name of a sample where a path is expected:
// sample:animals.
const Prefix = "sample:"

var (
	//go:embed animals/animals.safetensors
	animalsNetwork []byte
	//go:embed austen/austen.safetensors
	austenNetwork []byte
	//go:embed fashion/fashion.safetensors
	fashionNetwork []byte
)

// All lists the samples, the default first.
var All = []Sample{
	{
		Name: "animals", About: "A small convolutional network that tells twelve animals apart in 32×32 pictures.",
		Pictures: animalPictures, data: animalsNetwork,
	},
	{
		Name: "fashion", About: "A convolutional network that tells ten kinds of clothing apart in grey pictures of 28×28.",
		Pictures: fashionPictures, data: fashionNetwork,
	},
	{
		Name: "austen", About: "A small language model of Llama's shape that continues Jane Austen's novels letter by letter.",
		Text: austenText, data: austenNetwork,
	},
}

// Names returns the names of all samples.
func Names() []string {
	names := make([]string, len(All))
	for i, s := range All {
		names[i] = s.Name
	}
	return names
}

// Open opens the sample called name; its path is the name after [Prefix]. The
// error for a name that does not exist lists those that do.
func Open(name string) (*model.Model, error) {
	for _, s := range All {
		if s.Name == name {
			m, err := safetensors.Parse(Prefix+name, s.data)
			if err != nil {
				return nil, err
			}
			m.Name = name
			return m, nil
		}
	}
	return nil, fmt.Errorf("sample %q: there is none of this name; there are: %s", name, strings.Join(Names(), ", "))
}
