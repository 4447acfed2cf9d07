package onnx

import (
	"path/filepath"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Reads names what Open opens, for messages.
const Reads = "ONNX"

const suffix = ".onnx"

// Recognises reports whether the file called name, which begins with head, is
// meant to be one that [Open] reads, if perhaps a damaged one: writers begin
// with the version, a small number, and go on with a field of the same message.
func Recognises(name string, head []byte) bool {
	if strings.HasSuffix(name, suffix) {
		return true
	}
	const next = "\x12\x1a\x22\x28\x32\x3a\x42\x72" // producer … metadata
	return len(head) > 2 && head[0] == 0x08 && head[1] > 0 && head[1] < 32 && strings.IndexByte(next, head[2]) >= 0
}

// RecognisesFolder reports that no folder is one that [Open] reads.
func RecognisesFolder([]string) bool { return false }

// Open opens the network at path. Only its structure is read, and of numbers of
// varying length where they begin. A broken rule is an [*model.Error].
func Open(path string) (*model.Model, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	return open(f, path, strings.TrimSuffix(filepath.Base(path), suffix))
}

// Parse opens the network that data are, known as name, whose tensors must all
// be inside. It keeps data, which must not change while the model is in use.
func Parse(name string, data []byte) (*model.Model, error) {
	return open(model.NewFile(name, data), "", name)
}

// open returns the model that the file f is, and closes f on error.
func open(f *model.File, path, name string) (*model.Model, error) {
	m := &model.Model{Name: name, Path: f.Name(), Format: "onnx", Files: []*model.File{f}}
	w := &network{
		scanner: scanner{file: f.Name(), left: maxFields},
		names:   map[string]struct{}{}, operators: map[string]string{},
	}
	err := f.View(0, f.Size(), w.read)
	if err == nil {
		m.Metadata = w.metadata
		err = w.open(m, f, &folder{path: path, m: m, files: map[string]*model.File{}})
	}
	if err != nil {
		_ = m.Close() // the files were only read
		return nil, err
	}
	return m, nil
}

// open adds the tensors that were found in f to m.
func (w *network) open(m *model.Model, f *model.File, beside *folder) error {
	stored := make(map[*description]*model.Tensor, len(w.found))
	for _, d := range w.found {
		open := d.opened
		if d.sparse != nil {
			open = d.sparse.opened
		}
		var err error
		if stored[d], err = open(f, beside); err != nil {
			return err
		}
	}
	for _, d := range w.found {
		t := stored[d]
		if q := d.quantized; q != nil && !d.plain {
			var err error
			if t, err = q.open(d, f, t, stored[q.scale], stored[q.zero]); err != nil {
				return err
			}
		}
		m.Tensors = append(m.Tensors, t)
	}
	return nil
}
