package npy

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/archive"
)

// Reads names what Open opens, for messages.
const Reads = "NumPy .npy and .npz"

const suffix = ".npy"

// Recognises reports whether the file called name, which begins with head, is
// meant to be one that [Open] reads, if perhaps a damaged one.
func Recognises(name string, head []byte) bool {
	return strings.HasPrefix(string(head), magic) || isArchive(head) ||
		strings.HasSuffix(name, suffix) || strings.HasSuffix(name, ".npz")
}

// isArchive reports whether head begins a zip archive whose first member is an
// array.
func isArchive(head []byte) bool {
	const fixed = 30 // bytes of a member's header before its name
	if len(head) < fixed || string(head[:4]) != "PK\x03\x04" {
		return false
	}
	name := head[fixed:]
	return strings.HasSuffix(string(name[:min(len(name), int(binary.LittleEndian.Uint16(head[26:])))]), suffix)
}

// RecognisesFolder reports that no folder is one that [Open] reads.
func RecognisesFolder([]string) bool { return false }

// Open opens the array or the archive at path. Only headers are read. A broken
// rule is an [*model.Error].
func Open(path string) (*model.Model, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	return open(f, path, strings.TrimSuffix(base, filepath.Ext(base)))
}

// Parse opens the array or the archive that data are, known as name. It keeps
// data, which must not change while the model is in use.
func Parse(name string, data []byte) (*model.Model, error) {
	return open(model.NewFile(name, data), name, name)
}

// open returns the model that the file f is, and closes f on error.
func open(f *model.File, path, name string) (m *model.Model, err error) {
	m = &model.Model{Name: name, Path: path, Files: []*model.File{f}}
	var head []byte
	err = f.View(0, min(f.Size(), int64(headBytes)), func(b []byte) error {
		head = slices.Clone(b)
		return nil
	})
	switch {
	case err != nil:
	case strings.HasPrefix(string(head), "PK"):
		m.Format = "npz"
		err = addMembers(m, f)
	default:
		m.Format = "npy"
		err = add(m, name, f, 0, f.Size(), head)
	}
	if err != nil {
		_ = m.Close() // the files were only read
		return nil, err
	}
	return m, nil
}

// add adds the array called name that lies in file from offset on, size bytes
// that begin with head.
func add(m *model.Model, name string, file *model.File, offset, size int64, head []byte) error {
	h, err := parseHeader(file.Name(), offset, head, size)
	if err != nil {
		return err
	}
	strides := make([]int, len(h.shape))
	step := 1 // overflows only with a shape that NewStrided refuses
	for i := range strides {
		at := i
		if !h.fortran {
			at = len(strides) - 1 - i
		}
		strides[at] = step
		step *= h.shape[at]
	}
	t, err := model.NewStrided(name, h.dtype, h.shape, strides, h.bigEndian, file, offset+h.length, offset+size)
	if err != nil {
		return err
	}
	if rest := size - h.length - t.Bytes(); rest != 0 {
		return &model.Error{
			File: file.Name(), Offset: offset + h.length + t.Bytes(), Rule: ruleTrailing,
			Found: fmt.Sprintf("%d bytes after shape %v of %s", rest, h.shape, h.dtype),
		}
	}
	m.Tensors = append(m.Tensors, t)
	return nil
}

// addMembers adds the arrays of the archive f. Other members are left alone, as
// NumPy does.
func addMembers(m *model.Model, f *model.File) error {
	a, err := archive.Open(f)
	if err != nil {
		return err
	}
	for _, member := range a.Members {
		name, ok := strings.CutSuffix(member.Name, suffix)
		if !ok {
			continue
		}
		if len(m.Tensors) == maxArrays {
			return &model.Error{File: f.Name(), Offset: model.NoOffset, Rule: ruleTooMany, Found: fmt.Sprintf("at most %d", maxArrays)}
		}
		file, offset, err := member.Open()
		if err != nil {
			return err
		}
		head, err := member.Head(headBytes)
		if err != nil {
			return err
		}
		if err := add(m, name, file, offset, member.Size, head); err != nil {
			return err
		}
	}
	m.Files = append(m.Files, a.Unpacked()...)
	if err := a.Apart(); err != nil {
		return err
	}
	if len(m.Tensors) == 0 {
		return &model.Error{File: f.Name(), Offset: model.NoOffset, Rule: ruleNoArray, Found: fmt.Sprintf("%d members", len(a.Members))}
	}
	return nil
}
