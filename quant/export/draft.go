package export

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
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

// Packed is a tensor of a draft.
type Packed struct {
	*model.Tensor              // as it was
	Scheme        quant.Scheme // what the plan says
	As            *model.DType // as it is stored
	Size          int64        // in bytes, that it takes

	// Importance of the tensor's weights, see [quant.Pack]; nil where all count
	// alike.
	Importance func() ([]float32, error)
}

// Copied reports whether the tensor's bytes stay as they are: its plan keeps it,
// or it is in the right type already and nothing better is asked for.
func (p *Packed) Copied() bool {
	return p.As == p.DType && (p.Scheme.Keep() || p.As == p.Scheme.Packs() && p.Scheme.Range != kernels.OptimalScale)
}

// Requantized reports whether the tensor was quantized before, which costs
// accuracy that the original weights would not have lost.
func (p *Packed) Requantized() bool { return p.DType.Packing != nil && !p.Copied() }

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

// refused counts the tensors that a draft cannot hold.
type refused struct {
	first error
	n     int
}

func (r *refused) add(t *model.Tensor, why string) {
	if r.n++; r.first == nil {
		r.first = fmt.Errorf("%s: %s", t.Name, why)
	}
}

// err returns the error for all of them, nil if there are none.
func (r *refused) err() error {
	if r.n < 2 {
		return r.first
	}
	return fmt.Errorf("%w; of %d tensors this is the first that does not fit", r.first, r.n)
}

// keepSplit makes the draft of m as many files as m has, each with the tensors that
// it has there.
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

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // which processors compute

// verify reads the file f, which will be called path, and compares its tensors with
// those that were written and their checksums.
func verify(ctx context.Context, path string, f *model.File, o output, tensors []Packed, sums []uint32, report func(int64)) error {
	failed := func(format string, args ...any) error {
		return fmt.Errorf("%s: read back, "+format+"; the file is not kept, and its disk or memory is not to be trusted", append([]any{path}, args...)...)
	}
	m, err := o.open(f)
	if err != nil {
		return failed("it cannot be opened: %w", err)
	}
	byName := map[string]*model.Tensor{}
	for _, t := range m.Tensors {
		byName[t.Name] = t
	}
	if len(m.Tensors) != len(tensors) {
		return failed("it has %d tensors instead of %d", len(m.Tensors), len(tensors))
	}
	for i := range tensors {
		p := &tensors[i]
		t := byName[p.Name]
		if t == nil || t.DType != p.As || !slices.Equal(t.Shape, p.Shape) {
			return failed("tensor %q is not there as it was written", p.Name)
		}
		sum := crc32.New(castagnoli)
		if err := raw(ctx, t, sum, report); err != nil {
			return err
		}
		if got := sum.Sum32(); got != sums[i] {
			return failed("tensor %q has the checksum %08x instead of %08x", p.Name, got, sums[i])
		}
	}
	return nil
}

// write writes the weights of p as they are stored.
func (p *Packed) write(ctx context.Context, w io.Writer, report func(int64)) error {
	switch {
	case p.Copied():
		return raw(ctx, p.Tensor, w, report)
	case p.Scheme.Keep():
		return p.unpack(ctx, w, report)
	case p.Scheme.Packs() == p.As:
		return p.pack(ctx, w, report)
	}
	return p.dequantize(ctx, w, report)
}

// pack writes the codes of the scheme.
func (p *Packed) pack(ctx context.Context, w io.Writer, report func(int64)) error {
	var importance []float32
	if p.Importance != nil {
		var err error
		if importance, err = p.Importance(); err != nil {
			return err
		}
	}
	return quant.Pack(ctx, p.Tensor, p.Scheme, importance, p.share(report), func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
}

// share returns a function that hears the share of the tensor done, reports bytes
// and lets go of what was read.
func (p *Packed) share(report func(int64)) func(float64) {
	const stretch = 4 << 20 // bytes that are let go together
	var told, kept int64
	return func(done float64) {
		now := int64(done * float64(p.Bytes()))
		report(now - told)
		if told = now; now-kept >= stretch || done == 1 {
			p.Release(kept, now)
			kept = now
		}
	}
}

// dequantize writes the weights as they come back from the scheme.
func (p *Packed) dequantize(ctx context.Context, w io.Writer, report func(int64)) error {
	sum, err := quant.Summarize(ctx, p.Tensor, p.share(func(int64) {}))
	if err != nil {
		return err
	}
	return quant.Dequantize(ctx, p.Tensor, sum, p.Scheme, p.share(report), p.encoder(w))
}

// encoder returns a function that writes weights to w.
func (p *Packed) encoder(w io.Writer) func(y []float32) error {
	var buf []byte
	return func(y []float32) error {
		size, _ := p.As.Size(len(y)) // a part of a tensor that has a size
		buf = slices.Grow(buf[:0], int(size))[:size]
		p.As.Encode(buf, y)
		_, err := w.Write(buf)
		return err
	}
}

// unpack writes the weights as they are.
func (p *Packed) unpack(ctx context.Context, w io.Writer, report func(int64)) error {
	put, share := p.encoder(w), p.share(report)
	y := make([]float32, min(p.Len(), 1<<18))
	for at := 0; at < p.Len(); at += len(y) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		y = y[:min(len(y), p.Len()-at)]
		if err := p.Read(y, at); err != nil {
			return err
		}
		if err := put(y); err != nil {
			return err
		}
		share(float64(at+len(y)) / float64(p.Len()))
	}
	return nil
}

// raw copies the stored bytes of t.
func raw(ctx context.Context, t *model.Tensor, w io.Writer, report func(int64)) error {
	buf := make([]byte, min(t.Bytes(), 1<<20))
	for at := int64(0); at < t.Bytes(); at += int64(len(buf)) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		buf = buf[:min(int64(len(buf)), t.Bytes()-at)]
		if err := t.ReadRaw(buf, at); err != nil {
			return err
		}
		n, err := w.Write(buf)
		t.Release(at, at+int64(n))
		report(int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}
