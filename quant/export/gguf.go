package export

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// GGUF is a GGUF file that is to be written: every tensor of a model in the type
// that a plan gives it. Its size is known before anything is written.
type GGUF struct {
	Tensors []Packed
	Size    int64 // of the file, in bytes

	metadata *gguf.Metadata
	entries  []gguf.Entry
	source   int64 // bytes of weights that are read
}

// Packed is a tensor of such a file.
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
	return p.Scheme.Keep() || p.As == p.DType && p.Scheme.Range != kernels.OptimalScale
}

// Requantized reports whether the tensor was quantized before, which costs
// accuracy that the original weights would not have lost.
func (p *Packed) Requantized() bool { return p.DType.Quantized() && !p.Copied() }

// PlanGGUF prepares the file that holds m as plan has it. The metadata of a GGUF
// model stay byte for byte, but for what says how the file is quantized; of another
// model its name and its text go along, see [Missing]. Nothing is written yet. A
// scheme whose codes GGUF cannot store is an error that says what it can, and so is
// a type that it does not have.
func PlanGGUF(m *model.Model, plan quant.Plan) (*GGUF, error) {
	g := new(GGUF)
	schemes := plan.Schemes(m.Tensors)
	for i, t := range m.Tensors {
		p := Packed{Tensor: t, Scheme: schemes[i], As: t.DType}
		if !p.Scheme.Keep() {
			p.As = p.Scheme.Packs()
		}
		if p.As == nil || !gguf.Holds(p.As) {
			return nil, fmt.Errorf("%s: %s", t.Name, whyNotGGUF(t, p.Scheme))
		}
		size, ok := p.As.Size(t.Len())
		if !ok {
			return nil, fmt.Errorf("%s: %d weights are not whole blocks of %s", t.Name, t.Len(), p.As)
		}
		p.Size = size
		g.Tensors = append(g.Tensors, p)
		g.entries = append(g.entries, gguf.Entry{Name: t.Name, DType: p.As, Shape: t.Shape})
		g.source += t.Bytes()
	}
	var err error
	if g.metadata, err = metadataGGUF(m); err != nil {
		return nil, err
	}
	g.metadata.SetUint32("general.quantization_version", quantizationVersion)
	if slices.ContainsFunc(g.Tensors, func(p Packed) bool { return p.As != p.DType }) {
		g.metadata.SetUint32(fileTypeKey, fileType(g.Tensors))
	}
	g.Size, err = gguf.Size(g.metadata, g.entries)
	return g, err
}

// Guide makes the matrix say how much weights matter, where their format asks for
// it, and notes in the metadata that it did. It returns how many tensors would
// listen and are not in it. Names that fit but for the length are an error. The
// matrix must stay open until the file is written.
func (g *GGUF) Guide(matrix *imatrix.Matrix) (without int, err error) {
	for i := range g.Tensors {
		p := &g.Tensors[i]
		if p.Copied() || p.As.Packing == nil || !p.As.Packing.UsesImportance {
			continue
		}
		has, err := matrix.Has(p.Name, p.Shape)
		if err != nil {
			return 0, err
		}
		if !has {
			without++
			continue
		}
		p.Importance = func() ([]float32, error) { return matrix.Importance(p.Name) }
	}
	g.metadata.SetString("quantize.imatrix.file", filepath.Base(matrix.Path))
	g.metadata.SetUint32("quantize.imatrix.entries_count", uint32(matrix.Len()))
	if matrix.Chunks > 0 {
		g.metadata.SetUint32("quantize.imatrix.chunks_count", uint32(matrix.Chunks))
	}
	g.Size, err = gguf.Size(g.metadata, g.entries)
	return without, err
}

const fileTypeKey = "general.file_type"

// Name makes the file say that it holds the mix.
func (g *GGUF) Name(mix *quant.Mix) (err error) {
	g.metadata.SetUint32(fileTypeKey, mix.FileType)
	g.Size, err = gguf.Size(g.metadata, g.entries)
	return err
}

// metadataGGUF returns what the new file says about itself.
func metadataGGUF(m *model.Model) (*gguf.Metadata, error) {
	if m.Format == gguf.Format {
		return gguf.CopyMetadata(m.Files)
	}
	kvs := new(gguf.Metadata)
	kvs.SetString("general.name", m.Name)
	for _, kv := range m.Metadata {
		if !strings.HasPrefix(kv.Key, "general.") { // of a file that was a GGUF once: what is left of it is text
			kvs.SetString(kv.Key, kv.Value)
		}
	}
	return kvs, nil
}

// Missing returns what a program that runs GGUF files will miss in one that was
// made of m, "" if nothing.
func Missing(m *model.Model) string {
	if m.Format == gguf.Format {
		return ""
	}
	return "the model is no GGUF: general.architecture, hyperparameters, the tokenizer and llama.cpp's names of tensors will be missing; " +
		"the new file holds the weights, and to run it there, convert the model to GGUF first"
}

// shownFits is how many schemes an error suggests.
const shownFits = 6

// whyNotGGUF says why t cannot be stored under s, and what could.
func whyNotGGUF(t *model.Tensor, s quant.Scheme) string {
	if s.Keep() && !quant.Quantizable(t) {
		return fmt.Sprintf("GGUF has no type for %s", t.DType)
	}
	bits := t.DType.Bits()
	if !s.Keep() {
		bits = float64(s.Format.Bits)
	}
	var fits []quant.Scheme
	for _, f := range kernels.Formats {
		if d := quant.PackedAs(f); d != nil && gguf.Holds(d) {
			if fit := (quant.Scheme{Format: f}); fit.WhyNot(t.Shape) == "" {
				fits = append(fits, fit)
			}
		}
	}
	slices.SortStableFunc(fits, func(a, b quant.Scheme) int {
		return cmp.Compare(away(a, bits), away(b, bits))
	})
	var names []string
	for _, fit := range fits[:min(len(fits), shownFits)] {
		names = append(names, fit.Format.Name)
	}
	what := s.String()
	if s.Keep() {
		what = t.DType.Name
	}
	return fmt.Sprintf("GGUF cannot hold %s; near it these fit: %s", what, strings.Join(names, " "))
}

// away returns how far the bits of a weight under s are from those wished for.
func away(s quant.Scheme, bits float64) float64 {
	return max(s.Packs().Bits()-bits, bits-s.Packs().Bits())
}

// Write writes the file at path, whole or not at all; without force an existing one
// is not replaced. Its memory does not depend on the model's size. progress, which
// may be nil, hears the share done.
func (g *GGUF) Write(ctx context.Context, path string, force bool, progress func(float64)) error {
	var done int64
	report := func(n int64) {
		if done += n; progress != nil {
			progress(float64(done) / float64(max(1, g.source)))
		}
	}
	return model.WriteFile(path, force, func(w io.Writer) error {
		return gguf.Write(w, g.metadata, g.entries, func(i int, w io.Writer) error {
			p := &g.Tensors[i]
			if p.Copied() {
				return raw(ctx, p.Tensor, w, report)
			}
			return p.write(ctx, w, report)
		})
	})
}

// write writes the weights of p as they are packed.
func (p *Packed) write(ctx context.Context, w io.Writer, report func(int64)) error {
	var importance []float32
	if p.Importance != nil {
		var err error
		if importance, err = p.Importance(); err != nil {
			return err
		}
	}
	var told int64
	share := func(done float64) {
		now := int64(done * float64(p.Bytes()))
		report(now - told)
		told = now
	}
	return quant.Pack(ctx, p.Tensor, p.Scheme, importance, share, func(b []byte) error {
		_, err := w.Write(b)
		return err
	})
}
