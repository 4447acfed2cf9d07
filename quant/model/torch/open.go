package torch

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/quantized"
)

// Reads names what Open opens, for messages.
const Reads = "PyTorch checkpoints and TorchScript"

// suffixes are the usual ends of names, for damaged files. A .bin may be anything.
var suffixes = []string{".pt", ".pth", ".ckpt", ".jit"}

// headBytes of a file are enough to tell what it is.
const headBytes = 512

// Recognises reports whether the file called name, which begins with head, is
// meant to be one that [Open] reads, if perhaps a damaged one.
func Recognises(name string, head []byte) bool {
	return isArchive(head) || isPickle(head) || isTar(head) || slices.Contains(suffixes, filepath.Ext(name))
}

// beginnings are members that an archive of PyTorch's begins with, after its own
// name.
var beginnings = []string{"data.pkl", "data/", "byteorder", "version", "code/", "constants", ".data/", ".format_version", ".storage_alignment", "attributes.pkl"}

func isArchive(head []byte) bool {
	const fixed = 30 // bytes of a member's header before its name
	if len(head) < fixed || string(head[:4]) != "PK\x03\x04" {
		return false
	}
	name := string(head[fixed:][:min(len(head)-fixed, int(binary.LittleEndian.Uint16(head[26:])))])
	_, inner, nested := strings.Cut(name, "/")
	return slices.ContainsFunc(beginnings, func(b string) bool {
		return strings.HasPrefix(name, b) || nested && strings.HasPrefix(inner, b)
	})
}

// isPickle reports whether head begins a pickle of any kind: which, the reader
// tells better than one who does not know the format.
func isPickle(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5
}

// isTar reports whether head begins a tar archive with a member of PyTorch's.
func isTar(head []byte) bool {
	if len(head) < headBytes || string(head[257:262]) != "ustar" {
		return false
	}
	name, _, _ := strings.Cut(string(head[:100]), "\x00")
	return slices.Contains([]string{"sys_info", "pickle", "storages", "tensors"}, name)
}

// RecognisesFolder reports that no folder is one that [Open] reads.
func RecognisesFolder([]string) bool { return false }

// Open opens the checkpoint at path. Nothing of its numbers is read, and nothing
// that it says is executed. A broken rule is an [*model.Error].
func Open(path string) (*model.Model, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	return open(f, path, strings.TrimSuffix(base, filepath.Ext(base)))
}

// Parse opens the checkpoint that data are, known as name. It keeps data, which
// must not change while the model is in use.
func Parse(name string, data []byte) (*model.Model, error) {
	return open(model.NewFile(name, data), name, name)
}

// open returns the model that the file f is, and closes f on error.
func open(f *model.File, path, name string) (*model.Model, error) {
	m := &model.Model{Name: name, Path: path, Format: "torch", Files: []*model.File{f}}
	var head []byte
	err := f.View(0, min(f.Size(), headBytes), func(b []byte) error {
		head = slices.Clone(b)
		return nil
	})
	switch {
	case err != nil:
	case strings.HasPrefix(string(head), "PK"):
		err = addArchive(m, f)
	case isTar(head):
		err = addTar(m, f)
	case !isPickle(head):
		err = &model.Error{File: path, Offset: 0, Rule: ruleMagic, Found: fmt.Sprintf("%.12q", head)}
	default:
		err = addLegacy(m, f)
	}
	if err != nil {
		_ = m.Close() // the files were only read
		return nil, err
	}
	m.Tensors = quantized.Join(m.Tensors, quantized.Config{})
	return m, nil
}

// add adds the tensors found to m; where finds their storages. A tensor that is
// all there is has the model's name.
func add(m *model.Model, found []named, bigEndian bool, where func(*storage) (place, error)) error {
	seen := make(map[string]struct{}, len(found))
	for _, t := range found {
		if t.name == "" {
			t.name = m.Name
		}
		if _, twice := seen[t.name]; twice {
			return &model.Error{File: m.Path, Offset: t.at, Rule: ruleTwice, Found: fmt.Sprintf("%q", t.name)}
		}
		seen[t.name] = struct{}{}
		open := func(t named) (*model.Tensor, error) {
			p, err := where(t.storage)
			if err != nil {
				return nil, err
			}
			return t.open(m.Path, p, bigEndian)
		}
		opened, err := open(t)
		if err == nil && t.quantizer != nil {
			opened, err = t.dequantized(m.Path, opened, open)
		}
		if err != nil {
			return err
		}
		m.Tensors = append(m.Tensors, opened)
	}
	return nil
}
