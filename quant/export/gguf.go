package export

import (
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

// GGUF is a draft of GGUF files.
type GGUF struct {
	Draft
	metadata *gguf.Metadata
}

// PlanGGUF prepares the file that holds m as plan has it. The metadata of a GGUF
// model stay byte for byte, but for what says how the file is quantized; of another
// model its name and its text go along, see [Missing]. A split GGUF stays split, each
// tensor in the file where it was. Nothing is written yet. A
// scheme whose codes GGUF cannot store is an error that says what it can, and so is
// a type that it does not have.
func PlanGGUF(m *model.Model, plan quant.Plan) (*GGUF, error) {
	g := new(GGUF)
	g.layOut = g.layOutFiles
	var no refused
	schemes := plan.Schemes(m.Tensors)
	for i, t := range m.Tensors {
		p := Packed{Tensor: t, Scheme: schemes[i], As: t.DType}
		if !p.Scheme.Keep() {
			p.As = p.Scheme.Packs()
		}
		if p.As == nil || !gguf.Holds(p.As) {
			no.add(t, whyNotGGUF(t, p.Scheme))
			continue
		}
		size, ok := p.As.Size(t.Len())
		if !ok {
			no.add(t, fmt.Sprintf("%d weights are not whole blocks of %s", t.Len(), p.As))
			continue
		}
		p.Size = size
		g.Tensors = append(g.Tensors, p)
		g.source += t.Bytes()
	}
	err := no.err()
	if err != nil {
		return nil, err
	}
	if g.metadata, err = metadataGGUF(m); err != nil {
		return nil, err
	}
	g.metadata.SetUint32("general.quantization_version", quantizationVersion)
	if slices.ContainsFunc(g.Tensors, func(p Packed) bool { return p.As != p.DType }) {
		g.metadata.SetUint32(fileTypeKey, fileType(g.Tensors))
	}
	if m.Format == gguf.Format {
		g.keepSplit(m)
	}
	return g, g.layOut()
}

// layOutFiles finds what is in each file and how large it is.
func (g *GGUF) layOutFiles() error {
	g.outputs, g.Size = nil, 0
	parts := g.parts()
	for i, part := range parts {
		metadata := g.metadata
		if len(parts) > 1 {
			metadata = metadata.Part(i, len(parts), len(g.Tensors))
		}
		var entries []gguf.Entry
		for _, p := range g.Tensors[part[0]:part[1]] {
			entries = append(entries, gguf.Entry{Name: p.Name, DType: p.As, Shape: p.Shape})
		}
		size, err := gguf.Size(metadata, entries)
		if err != nil {
			return err
		}
		g.Size += size
		g.outputs = append(g.outputs, output{
			first: part[0], end: part[1], size: size, name: partName(i, len(parts)), open: gguf.FromFile,
			write: func(w io.Writer, data func(int, io.Writer) error) error {
				return gguf.Write(w, metadata, entries, data)
			},
		})
	}
	return nil
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
	return without, g.layOut()
}

const fileTypeKey = "general.file_type"

// Name makes the file say that it holds the mix.
func (g *GGUF) Name(mix *quant.Mix) error {
	g.metadata.SetUint32(fileTypeKey, mix.FileType)
	return g.layOut()
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
	what := s.String()
	if s.Keep() {
		what = t.DType.Name
	}
	return why("GGUF", what, bits, fits)
}
