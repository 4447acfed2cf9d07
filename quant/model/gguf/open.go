package gguf

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Format is what the Format of a model says that was opened here.
const Format = "gguf"

const suffix = ".gguf"

// Reads names what Open opens, for messages.
const Reads = "GGUF, one file or split"

// Recognises reports whether the file called name, which begins with head, is
// meant to be one that [Open] reads, if perhaps a damaged one.
func Recognises(name string, head []byte) bool {
	return bytes.HasPrefix(head, magic) || bytes.HasPrefix(head, magicTurned) || strings.HasSuffix(name, suffix)
}

// RecognisesFolder reports whether a folder with files of these names is one
// that [Open] reads.
func RecognisesFolder(names []string) bool { return len(candidates(names)) > 0 }

// Open opens the model at path: a GGUF file, any file of a split model, or a
// folder that holds one model. Only headers are read. A broken rule is an
// [*model.Error].
func Open(path string) (*model.Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, model.FileError(path, err)
	}
	file := path
	if info.IsDir() {
		if file, err = inFolder(path); err != nil {
			return nil, err
		}
	}
	f, err := model.OpenFile(file)
	if err != nil {
		return nil, err
	}
	m, h, err := one(path, strings.TrimSuffix(filepath.Base(file), suffix), f)
	if err != nil || h.split.files <= 1 {
		return m, err
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	return openSplit(path, file, h)
}

// Parse opens the GGUF file that data are, known as name: one whole file. It
// keeps data, which must not change while the model is in use.
func Parse(name string, data []byte) (*model.Model, error) {
	m, _, err := one(name, name, model.NewFile(name, data))
	return m, err
}

// FromFile opens the one whole GGUF file that f is, which the model then owns.
func FromFile(f *model.File) (*model.Model, error) {
	m, _, err := one(f.Name(), f.Name(), f)
	return m, err
}

// one returns the model that the file f is, and its header, and closes f on
// error.
func one(path, name string, f *model.File) (*model.Model, *Header, error) {
	h, err := ReadHeader(f)
	if err != nil {
		_ = f.Close() // it was only read
		return nil, nil, err
	}
	m := &model.Model{Name: name, Path: path, Format: Format, Metadata: h.shown, Files: []*model.File{f}}
	if m.Tensors, err = h.tensors(f); err != nil {
		_ = f.Close() // it was only read
		return nil, nil, err
	}
	return m, h, nil
}

// tensors returns the tensors of f, in the order of their descriptions.
func (h *Header) tensors(f *model.File) ([]*model.Tensor, error) {
	create := model.NewTensor
	if h.BigEndian {
		create = model.NewBigEndian
	}
	tensors := make([]*model.Tensor, len(h.Tensors))
	for i, t := range h.Tensors {
		var err error
		if tensors[i], err = create(t.Name, t.DType, t.Shape, f, t.Offset); err != nil {
			return nil, err
		}
	}
	return tensors, nil
}
