package samples

import (
	"bytes"
	"compress/bzip2"
	"embed"
	"io"
	"path"
	"sync"
)

//go:embed austen/*.bz2
var novels embed.FS

// austenText is Jane Austen's six novels: five to train on, in the order of
// their publication, and the last one, Persuasion, held out. Its first twelve
// chapters of twenty-four, which were its first volume, are for validation.
var austenText = &Text{
	Alphabet: "\n !\"&'()*,-.0123456789:;?ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz",

	train: sync.OnceValue(func() []byte {
		return unpackNovels("sense-and-sensibility", "pride-and-prejudice", "mansfield-park", "emma", "northanger-abbey")
	}),
	heldOut: sync.OnceValue(func() []byte {
		return unpackNovels("persuasion")
	}),
	validation: 214104,
}

// unpackNovels returns novels one after another, which it unpacks side by side.
func unpackNovels(names ...string) []byte {
	texts := make([][]byte, len(names))
	var wait sync.WaitGroup
	for i, name := range names {
		wait.Go(func() {
			packed, err := novels.ReadFile(path.Join("austen", name+".txt.bz2"))
			if err != nil {
				panic(err)
			}
			if texts[i], err = io.ReadAll(bzip2.NewReader(bytes.NewReader(packed))); err != nil {
				panic(err)
			}
		})
	}
	wait.Wait()
	var all []byte
	for _, text := range texts {
		all = append(all, text...)
	}
	return all
}
