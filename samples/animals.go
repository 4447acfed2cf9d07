package samples

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Artwork is a set of drawings by the same hands.
type Artwork struct {
	Folder  string // below animals/
	Title   string
	By      string
	Licence string // its SPDX identifier
	Source  string // a URL
	HeldOut bool   // never trained on: the test of unseen designs
}

// Artworks lists whose drawings the animals are.
var Artworks = []Artwork{
	{"noto", "Noto Emoji", "Google", "Apache-2.0", "https://github.com/googlefonts/noto-emoji", false},
	{"noto-v1", "Noto Emoji, first version", "Google", "Apache-2.0", "https://github.com/googlefonts/noto-emoji", false},
	{"fxemoji", "Firefox OS Emoji", "Mozilla Foundation", "CC-BY-4.0", "https://github.com/mozilla/fxemoji", false},
	{"fluent-emoji-flat", "Fluent Emoji, flat", "Microsoft", "MIT", "https://github.com/microsoft/fluentui-emoji", true},
	{"twemoji", "Twemoji", "Twitter and contributors", "CC-BY-4.0", "https://github.com/jdecked/twemoji", false},
	{"emojione", "EmojiOne 2", "Ranks.com and contributors", "CC-BY-4.0", "https://github.com/EmojiTwo/emojitwo", false},
}

// animals are the classes, in the order of the network's outputs. The name of
// a drawing begins with its class: cat-face.png.
var animals = []string{
	"cat", "dog", "rabbit", "pig", "elephant", "fish",
	"turtle", "octopus", "butterfly", "snail", "penguin", "crab",
}

//go:embed animals/*/*.png
var drawingFiles embed.FS

// designs are the drawings of each class.
type designs [][]*drawing

// loadDesigns reads the drawings once: those to train on, and those held out.
var loadDesigns = sync.OnceValue(func() (loaded struct{ seen, unseen designs }) {
	loaded.seen = make(designs, len(animals))
	loaded.unseen = make(designs, len(animals))
	for _, a := range Artworks {
		names, err := fs.Glob(drawingFiles, path.Join("animals", a.Folder, "*.png"))
		if err != nil {
			panic(err)
		}
		for _, name := range names { // sorted
			class, _, _ := strings.Cut(strings.TrimSuffix(path.Base(name), ".png"), "-")
			file, err := drawingFiles.ReadFile(name)
			if err != nil {
				panic(err)
			}
			d, err := parseDrawing(file)
			if err != nil {
				panic(fmt.Sprintf("%s: %v", name, err))
			}
			of := loaded.seen
			if a.HeldOut {
				of = loaded.unseen
			}
			i := slices.Index(animals, class)
			of[i] = append(of[i], d)
		}
	}
	return loaded
})

// The seeds of the sets that are always the same. Training takes any other.
const (
	validationSeed = 1<<63 + iota
	renderingsSeed
	designsSeed
)

// animalPictures are drawings of twelve animals, rendered when they are read.
var animalPictures = &Pictures{
	Classes:  animals,
	Channels: 3, Height: side, Width: side,
	train: func(seed uint64) Set {
		return renderings{loadDesigns().seen, seed, Endless}
	},
	validation: func() Set {
		return renderings{loadDesigns().seen, validationSeed, 1000}
	},
	Tests: []Test{
		{
			"renderings", "drawings it has learnt from, in pictures it has never seen",
			func() Set { return renderings{loadDesigns().seen, renderingsSeed, 1000} },
		},
		{
			"designs", "the same animals as another artist draws them",
			func() Set { return renderings{loadDesigns().unseen, designsSeed, 1000} },
		},
	},
}

// renderings is a set of pictures made from drawings as they are asked for. The
// classes take turns, so that every batch has as many of each.
type renderings struct {
	designs designs
	seed    uint64
	n       int
}

func (s renderings) Len() int { return s.n }

func (s renderings) Pixels(i int, rgb []byte) int {
	r := newRandom(s.seed, uint64(i))
	label := i % len(s.designs)
	of := s.designs[label]
	render((*[area]byte)(rgb), of[r.below(len(of))], &r)
	return label
}

func (s renderings) Read(i int, x []float32) int {
	var rgb [area]byte
	label := s.Pixels(i, rgb[:])
	const plane = side * side
	red, green, blue := x[:plane], x[plane:][:plane], x[2*plane:][:plane]
	for j := range plane {
		red[j], green[j], blue[j] = levels[rgb[3*j]], levels[rgb[3*j+1]], levels[rgb[3*j+2]]
	}
	return label
}
