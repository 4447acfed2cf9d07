package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/export"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// output is a kind of file that the plan is written to.
type output struct {
	name, ext string
	about     string
	// prepare makes everything ready but writes nothing. It does not run where the
	// screen is drawn. matrix says how much weights matter, nil if they count alike.
	prepare func(m *model.Model, plan quant.Plan, matrix *imatrix.Matrix) (*prepared, error)
}

// prepared is an output that can be written.
type prepared struct {
	with  string // what it is made with besides the model, "" if nothing
	note  string // what is worth knowing before, "" if nothing
	files func(path string) []export.File
	write func(ctx context.Context, path string, force bool, progress func(float64)) error
	plan  *quant.Plan // it is the plan, which is saved then; else nil

	preview string // the text that is written, and what belongs to it; "" if it is not text
}

// bytes returns the size of all files.
func (p *prepared) bytes(path string) (n int64) {
	for _, f := range p.files(path) {
		n += f.Bytes
	}
	return n
}

// outputs is the table of what w writes: files of the model, then recipes.
var outputs = append([]output{
	{"plan", ".plan.toml", "TOML: rules that bitdial measure -p and quantize -p read.", preparePlan},
	{"GGUF", ".gguf", "For llama.cpp and its kin: every tensor packed as the plan has it.", prepareGGUF},
	{"safetensors", ".safetensors", "The floats that safetensors has, of 32, 16 and 8 bits, stored as such.", prepareStored},
	{"dequantized", ".safetensors", "What comes back from the plan, in the original element type, for tools that read plain weights.", prepareDequantized},
}, recipeOutputs()...)

// recipeOutputs returns an output for each recipe.
func recipeOutputs() (list []output) {
	for _, r := range export.Recipes {
		list = append(list, output{r.Name, "." + r.Name + r.Ext, r.About, func(m *model.Model, plan quant.Plan, matrix *imatrix.Matrix) (*prepared, error) {
			return prepareRecipe(r, m, plan, matrix)
		}})
	}
	return list
}

func preparePlan(_ *model.Model, plan quant.Plan, _ *imatrix.Matrix) (*prepared, error) {
	var text bytes.Buffer
	if _, err := plan.WriteTo(&text); err != nil {
		return nil, err
	}
	return &prepared{
		plan:    &plan,
		preview: text.String(),
		files:   func(path string) []export.File { return []export.File{{Path: path, Bytes: int64(text.Len())}} },
		write: func(_ context.Context, path string, force bool, _ func(float64)) error {
			return quant.SavePlan(path, plan, force)
		},
	}, nil
}

func prepareRecipe(r *export.Recipe, m *model.Model, plan quant.Plan, matrix *imatrix.Matrix) (*prepared, error) {
	var paths export.Paths
	if matrix != nil && r.For == "llama.cpp" {
		paths.Imatrix = matrix.Path
	}
	w, err := r.Write(m, plan, paths)
	if err != nil {
		return nil, err
	}
	return &prepared{
		preview: w.String(),
		files:   func(path string) []export.File { return []export.File{{Path: path, Bytes: int64(len(w.Text))}} },
		write: func(_ context.Context, path string, force bool, _ func(float64)) error {
			paths.Recipe = path // it may name itself
			w, err := r.Write(m, plan, paths)
			if err != nil {
				return err
			}
			return model.WriteFile(path, force, func(f io.Writer) error {
				_, err := io.WriteString(f, w.Text)
				return err
			})
		},
	}, nil
}

func prepareGGUF(m *model.Model, plan quant.Plan, matrix *imatrix.Matrix) (*prepared, error) {
	g, err := export.PlanGGUF(m, plan)
	if err != nil {
		return nil, err
	}
	with, without := "", 0
	if matrix != nil {
		if without, err = g.Guide(matrix); err != nil {
			return nil, err
		}
		with = "Packed with the importance of " + matrix.Path + "."
	}
	p := prepareDraft(&g.Draft)
	p.with = with
	again := 0
	for i := range g.Tensors {
		if g.Tensors[i].Requantized() {
			again++
		}
	}
	switch {
	case export.Missing(m) != "":
		p.note = "The model is no GGUF: to run the file, names and metadata are missing."
	case again > 0:
		p.note = fmt.Sprintf("%d tensors are quantized a second time, which costs accuracy.", again)
	}
	if without > 0 {
		p.note = strings.TrimSpace(fmt.Sprintf("%s Of the tensors that would use importance the matrix lacks %d: their weights count alike.", p.note, without))
	}
	return p, nil
}

func prepareStored(m *model.Model, plan quant.Plan, _ *imatrix.Matrix) (*prepared, error) {
	d, err := export.PlanSafetensors(m, plan)
	if err != nil {
		return nil, err
	}
	return prepareDraft(&d.Draft), nil
}

func prepareDequantized(m *model.Model, plan quant.Plan, matrix *imatrix.Matrix) (*prepared, error) {
	d, err := export.PlanDequantized(m, plan)
	if err != nil {
		return nil, err
	}
	p := prepareDraft(&d.Draft)
	if matrix != nil && slices.ContainsFunc(plan.Schemes(m.Tensors), func(s quant.Scheme) bool {
		return !s.Keep() && s.Format.Packing != nil && s.Format.Packing.UsesImportance
	}) {
		p.note = "All weights count alike here: it is GGUF that is packed with importance, and the figures are its."
	}
	return p, nil
}

func prepareDraft(d *export.Draft) *prepared {
	return &prepared{
		files: d.Files,
		write: func(ctx context.Context, path string, force bool, progress func(float64)) error {
			return d.Write(ctx, path, export.Writing{Force: force, Progress: progress})
		},
	}
}
