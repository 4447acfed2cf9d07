package export

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Draft is what is to be written: every tensor of a model in the type that a plan
// gives it, in one file or several. Its sizes are known before anything is written.
type Draft struct {
	Tensors []Packed
	Size    int64 // of all files that hold tensors, in bytes

	layOut  func() error // finds outputs and Size
	outputs []output
	ends    []int // where the tensors of each file end; of one file nil
	source  int64 // bytes of weights that are read
}

// File is one of the files of a draft.
type File struct {
	Path  string
	Bytes int64
}

// output is how a file is written and read.
type output struct {
	first, end int // its tensors
	size       int64
	name       func(path string) string
	write      func(w io.Writer, data func(i int, w io.Writer) error) error // data writes the i-th of its tensors
	open       func(f *model.File) (*model.Model, error)
	text       func(path string) []byte // instead of all these: what is in a file without tensors
}

// Files returns the files that [Draft.Write] writes for path: the one of that name,
// or, of several, those called after it.
func (d *Draft) Files(path string) []File {
	files := make([]File, len(d.outputs))
	for i, o := range d.outputs {
		files[i] = File{o.name(path), o.size}
		if o.text != nil {
			files[i].Bytes = int64(len(o.text(path)))
		}
	}
	return files
}

// partName returns the function that names the i-th of n files after a path, as
// llama.cpp and Hugging Face have it: OUT-00001-of-00002.gguf.
func partName(i, n int) func(path string) string {
	return func(path string) string {
		if n == 1 {
			return path
		}
		ext := filepath.Ext(path)
		stem := counted.ReplaceAllString(strings.TrimSuffix(path, ext), "")
		return fmt.Sprintf("%s-%05d-of-%05d%s", stem, i+1, n, ext)
	}
}

var counted = regexp.MustCompile(`-\d{5}-of-\d{5}$`)

// maxParts is how many files the 16 bits of split.count can count.
const maxParts = 1<<16 - 1

// keepSplit makes the draft of m as many files as m has, each with the tensors that
// it has there; one file if the tensors do not follow the order of the files.
func (d *Draft) keepSplit(m *model.Model) {
	d.ends = nil
	if len(m.Files) < 2 {
		return
	}
	for _, f := range m.Files {
		end := 0
		if n := len(d.ends); n > 0 {
			end = d.ends[n-1]
		}
		for end < len(d.Tensors) && d.Tensors[end].File() == f {
			end++
		}
		d.ends = append(d.ends, end)
	}
	if d.ends[len(d.ends)-1] != len(d.Tensors) {
		d.ends = nil
	}
}

// Split makes the draft several files, in each as many tensors as take at most so
// many bytes, one at least; 0 makes it one file.
func (d *Draft) Split(bytes int64) error {
	d.ends = nil
	if bytes == 0 {
		return d.layOut()
	}
	var so int64
	for i := range d.Tensors {
		if size := d.Tensors[i].Size; i > 0 && so+size > bytes {
			d.ends, so = append(d.ends, i), 0
		}
		so += d.Tensors[i].Size
	}
	if d.ends = append(d.ends, len(d.Tensors)); len(d.ends) > maxParts {
		return fmt.Errorf("%d files of %d bytes at most: at most %d can be counted; choose a larger size", len(d.ends), bytes, maxParts)
	}
	return d.layOut()
}

// parts returns the first tensor and the end of each file.
func (d *Draft) parts() [][2]int {
	if len(d.ends) < 2 {
		return [][2]int{{0, len(d.Tensors)}}
	}
	list, first := [][2]int{}, 0
	for _, end := range d.ends {
		list = append(list, [2]int{first, end})
		first = end
	}
	return list
}

// Writing is how a draft is written.
type Writing struct {
	Force    bool          // existing files are replaced
	Verify   bool          // the files are read back, and their tensors' checksums compared
	Progress func(float64) // hears the share done; may be nil
}

// Write writes the files at path, all whole or none; without Force existing ones
// are not replaced. Its memory does not depend on the model's size.
func (d *Draft) Write(ctx context.Context, path string, how Writing) error {
	total, done := max(1, d.source), int64(0)
	if how.Verify {
		for _, p := range d.Tensors {
			total += p.Size
		}
	}
	report := func(n int64) {
		if done += n; how.Progress != nil {
			how.Progress(float64(done) / float64(total))
		}
	}
	var list []model.Output
	for _, o := range d.outputs {
		if o.text != nil {
			list = append(list, model.Output{Path: o.name(path), Write: func(w io.Writer) error {
				_, err := w.Write(o.text(path))
				return err
			}})
			continue
		}
		sums := make([]uint32, o.end-o.first)
		file := model.Output{Path: o.name(path), Write: func(w io.Writer) error {
			return o.write(w, func(i int, w io.Writer) error {
				if !how.Verify {
					return d.Tensors[o.first+i].write(ctx, w, report)
				}
				sum := crc32.New(castagnoli)
				err := d.Tensors[o.first+i].write(ctx, io.MultiWriter(w, sum), report)
				sums[i] = sum.Sum32()
				return err
			})
		}}
		if how.Verify {
			file.Check = func(f *model.File) error {
				return verify(ctx, file.Path, f, o, d.Tensors[o.first:o.end], sums, report)
			}
		}
		list = append(list, file)
	}
	return model.WriteFiles(list, how.Force)
}
