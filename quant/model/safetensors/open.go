package safetensors

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Format is what the Format of a model says that was opened here.
const Format = "safetensors"

const (
	format   = Format
	suffix   = ".safetensors"
	indexEnd = "safetensors.index.json"
)

// Reads names what Open opens, for messages.
const Reads = "safetensors, a directory of shards, *.safetensors.index.json"

// Recognises reports whether the file called name, which begins with head, is
// meant to be one that [Open] reads, if perhaps a damaged one. Nine bytes of
// head are enough.
func Recognises(name string, head []byte) bool {
	if strings.HasSuffix(name, suffix) || strings.HasSuffix(name, indexEnd) {
		return true
	}
	return len(head) > lengthBytes && head[lengthBytes] == '{' && binary.LittleEndian.Uint64(head) <= maxHeader
}

// RecognisesFolder reports whether a folder with files of these names is one
// that [Open] reads.
func RecognisesFolder(names []string) bool {
	files, indexes := candidates(names)
	return len(files)+len(indexes) > 0
}

// Open opens the model at path: a safetensors file, an index of shards
// (*.safetensors.index.json), or a folder. Of a folder it takes the index; where
// there is none, model.safetensors; where there is none either, all
// *.safetensors in the order of their names. Only headers are read. A broken
// rule is an [*model.Error].
func Open(path string) (*model.Model, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, model.FileError(path, err)
	case info.IsDir():
		return openFolder(path)
	case strings.HasSuffix(path, indexEnd):
		return openIndex(path, path)
	}
	return openFile(path)
}

// Parse opens the safetensors file that data are, known as name. It keeps
// data, which must not change while the model is in use.
func Parse(name string, data []byte) (*model.Model, error) {
	m, err := one(name, name, model.NewFile(name, data))
	if err == nil {
		new(config).describe(m)
	}
	return m, err
}

// FromFile opens the one safetensors file that f is, which the model then owns.
func FromFile(f *model.File) (*model.Model, error) { return one(f.Name(), f.Name(), f) }

func openFile(path string) (*model.Model, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	m, err := one(path, strings.TrimSuffix(filepath.Base(path), suffix), f)
	if err != nil {
		return nil, err
	}
	if c, err := configOf(filepath.Dir(path)); err == nil { // what is beside a file may be another model's
		c.describe(m)
	} else {
		new(config).describe(m)
	}
	return m, nil
}

// one returns the model that the file f is, and closes f on error.
func one(path, name string, f *model.File) (*model.Model, error) {
	tensors, metadata, err := read(f)
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return &model.Model{
		Name: name, Path: path, Format: format,
		Tensors: tensors, Metadata: metadata, Files: []*model.File{f},
	}, nil
}
