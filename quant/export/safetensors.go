package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/safetensors"
)

// Safetensors is a draft of safetensors files.
type Safetensors struct {
	Draft
	metadata []model.KeyValue
}

// PlanSafetensors prepares the file that holds m as plan has it, in the types that
// safetensors has: F16, BF16 and floats of eight bits without a scale. What plan
// keeps is copied. Shards stay shards, each tensor in the one where it was. A scheme
// whose codes have no such type is an error that says which have.
//
// Of the metadata, text and numbers go along as text; arrays, and what is about
// the file that was read, do not.
func PlanSafetensors(m *model.Model, plan quant.Plan) (*Safetensors, error) {
	return planSafetensors(m, plan, func(t *model.Tensor, s quant.Scheme) *model.DType {
		if s.Keep() {
			return t.DType
		}
		return s.Packs()
	})
}

// PlanDequantized prepares the file that holds the tensors of m, each as it comes
// back from the scheme that plan gives it, as the type that [Unpacked] says; what
// plan keeps is copied byte by byte, or unpacked. In everything else it is as
// [PlanSafetensors].
//
// Where the original type cannot hold a dequantized value, it is rounded once
// more, nearest even: F16 and BF16 files carry that additional error.
func PlanDequantized(m *model.Model, plan quant.Plan) (*Safetensors, error) {
	return planSafetensors(m, plan, func(t *model.Tensor, _ quant.Scheme) *model.DType { return Unpacked(t) })
}

func planSafetensors(m *model.Model, plan quant.Plan, as func(t *model.Tensor, s quant.Scheme) *model.DType) (*Safetensors, error) {
	d := &Safetensors{metadata: metadata(m)}
	d.layOut = d.layOutFiles
	var no refused
	schemes := plan.Schemes(m.Tensors)
	for i, t := range m.Tensors {
		p := Packed{Tensor: t, Scheme: schemes[i], As: as(t, schemes[i])}
		if p.As == nil || p.As.Quantized() {
			no.add(t, whyNotSafetensors(t, p.Scheme))
			continue
		}
		p.Size, _ = p.As.Size(t.Len()) // t has a size, and where this has none the layout says so
		d.Tensors = append(d.Tensors, p)
		d.source += t.Bytes()
	}
	if err := no.err(); err != nil {
		return nil, err
	}
	if m.Format == safetensors.Format {
		d.keepSplit(m)
	}
	return d, d.layOut()
}

// Unpacked returns the type that [PlanDequantized] writes t as: its own where
// weights are stored one by one, F32 where they are in blocks, which safetensors
// does not have, or have scales elsewhere. A scale times a code has more digits
// than F16 or BF16, so that F32 is the narrowest type that says what they say.
func Unpacked(t *model.Tensor) *model.DType {
	if t.DType.Quantized() || t.DType.Block > 1 {
		return model.F32
	}
	return t.DType
}

// layOutFiles finds what is in each file and how large it is.
func (d *Safetensors) layOutFiles() error {
	d.outputs, d.Size = nil, 0
	parts := d.parts()
	if len(parts) > 1 {
		d.outputs = append(d.outputs, output{name: indexName, text: d.index})
	}
	for i, part := range parts {
		var entries []safetensors.Entry
		for _, p := range d.Tensors[part[0]:part[1]] {
			entries = append(entries, safetensors.Entry{Name: p.Name, DType: p.As, Shape: p.Shape})
		}
		size, err := safetensors.Size(d.metadata, entries)
		if err != nil {
			return err
		}
		d.Size += size
		d.outputs = append(d.outputs, output{
			first: part[0], end: part[1], size: size, name: partName(i, len(parts)), open: safetensors.FromFile,
			write: func(w io.Writer, data func(int, io.Writer) error) error {
				return safetensors.Write(w, d.metadata, entries, data)
			},
		})
	}
	return nil
}

// indexName returns the name of the index of the shards at path.
func indexName(path string) string {
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	return counted.ReplaceAllString(stem, "") + ".safetensors.index.json"
}

// index returns the index of the shards at path: which has which tensor.
func (d *Safetensors) index(path string) []byte {
	var index struct {
		Metadata struct {
			TotalSize int64 `json:"total_size"`
		} `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	index.WeightMap = map[string]string{}
	for _, o := range d.outputs {
		for _, p := range d.Tensors[o.first:o.end] {
			index.WeightMap[p.Name] = filepath.Base(o.name(path))
			index.Metadata.TotalSize += p.Size
		}
	}
	text, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		panic(err) // text and numbers
	}
	return append(text, '\n')
}

// containers are the keys by which a file describes how it is stored.
var containers = []string{"general.alignment", "general.file_type", "general.quantization_version", "split.*", "config.quantization_config.*"}

// metadata returns what the new file takes over.
func metadata(m *model.Model) []model.KeyValue {
	return slices.DeleteFunc(slices.Clone(m.Metadata), func(kv model.KeyValue) bool {
		about := func(glob string) bool { return kv.Type != "" && quant.Match(glob, kv.Key) }
		return kv.Array() || slices.ContainsFunc(containers, about)
	})
}

// whyNotSafetensors says why t cannot be stored under s, and what could.
func whyNotSafetensors(t *model.Tensor, s quant.Scheme) string {
	if s.Keep() {
		return fmt.Sprintf("safetensors has no type for %s; f16, bf16 and f32 unpack it, and so does --dequantize", t.DType)
	}
	var fits []quant.Scheme
	for _, f := range kernels.Formats {
		for _, g := range []quant.Granularity{quant.PerTensor, quant.Unscaled} {
			fit := quant.Scheme{Format: f, Granularity: g}
			if d := fit.Packs(); d != nil && d.Packing == nil && (g == quant.PerTensor || quant.PackedAs(f) == nil) {
				fits = append(fits, fit)
			}
		}
	}
	return why("safetensors", s.String(), float64(s.Format.Bits), fits) + "; --dequantize stores what comes back from any scheme"
}

// why says that a format of files cannot hold what, of bits a weight, and which of
// fits come near.
func why(file, what string, bits float64, fits []quant.Scheme) string {
	away := func(s quant.Scheme) float64 { return max(s.Packs().Bits()-bits, bits-s.Packs().Bits()) }
	slices.SortStableFunc(fits, func(a, b quant.Scheme) int { return cmp.Compare(away(a), away(b)) })
	var names []string
	for _, fit := range fits[:min(len(fits), shownFits)] {
		name := fit.Format.Name
		if fit.Granularity == quant.Unscaled {
			name += ":unscaled"
		}
		names = append(names, name)
	}
	return fmt.Sprintf("%s cannot hold %s; near it these fit: %s", file, what, strings.Join(names, " "))
}
