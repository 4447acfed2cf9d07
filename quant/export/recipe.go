package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
)

// Recipe is a tool that quantizes models, and how it is told a plan. What it
// cannot be told is refused by [Recipe.Write] and explained by [Recipe.WhyNot].
type Recipe struct {
	Name  string // as --recipe has it
	About string // what is written, in a sentence
	Ext   string // of the file's name, with its dot
	For   string // the target that runs what the tool makes, see [quant.TargetOf]; empty for several

	naming naming
	// whyNot returns what the tool lacks of a scheme that the target runs, in words
	// that follow the tool's name, "" if it can be told.
	whyNot func(s quant.Scheme) string
	// ranges are those that the tool finds, beside the extremes.
	ranges []*kernels.Range
	// fits is whyNot for one tensor, asked after it; nil where all weights of a
	// network fit.
	fits func(p part) string
	// write fills the sheet: every scheme can be told. An error is about the model.
	write func(sheet *sheet) error
}

// Written is a recipe, ready to be saved or shown.
type Written struct {
	Text    string   // of the file
	Command string   // what to run, where the file is not run itself
	Notes   []string // what the tool does otherwise than the plan has it
}

// String returns all of the recipe, to be looked at.
func (w *Written) String() string {
	text := w.Text
	if w.Command != "" {
		text += "\nrun: " + w.Command + "\n"
	}
	for _, n := range w.Notes {
		text += "\nnote: " + n + "\n"
	}
	return text
}

// Paths are the names of files that a recipe mentions.
type Paths struct {
	Recipe  string // where the text will be; the recipe's name with its extension if empty
	Imatrix string // an importance matrix, "" for none
}

// Recipes is the table of recipes.
var Recipes = []*Recipe{
	llamaRecipe, ikRecipe, onnxRecipe, compressedRecipe, torchaoRecipe, modelOptRecipe, gptqRecipe, mlxRecipe, coreMLRecipe,
}

// RecipeOf returns the recipe called name, nil if there is none.
func RecipeOf(name string) *Recipe {
	for _, r := range Recipes {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// sheet is a recipe that is being written.
type sheet struct {
	*Written
	model *model.Model
	plan  quant.Plan
	paths Paths
	parts []part
}

// part is a tensor as a recipe names it.
type part struct {
	*model.Tensor
	Name   string // the tool's name of the tensor, or of the module that it is the weight of
	Scheme quant.Scheme
}

func (s *sheet) note(format string, a ...any) { s.Notes = append(s.Notes, fmt.Sprintf(format, a...)) }

// schemes returns those of the parts that are quantized, each once, the most
// frequent first.
func (s *sheet) schemes() []quant.Scheme {
	count := map[quant.Scheme]int{}
	var list []quant.Scheme
	for _, p := range s.parts {
		if p.floats() {
			continue
		}
		if count[p.Scheme]++; count[p.Scheme] == 1 {
			list = append(list, p.Scheme)
		}
	}
	slices.SortStableFunc(list, func(a, b quant.Scheme) int { return count[b] - count[a] })
	return list
}

// floats reports whether the part is left a float, by being kept or cast.
func (p part) floats() bool { return p.Scheme.Keep() || p.Scheme.Format.Cast != nil }

// WhyNot returns why the tool cannot be told s, or "" if it can. Whether it can be
// told it of a tensor may be another question, which [Recipe.Write] answers.
func (r *Recipe) WhyNot(s quant.Scheme) string {
	if s.Keep() {
		return ""
	}
	if t := quant.TargetOf(r.For); t != nil {
		if why := t.WhyNot(s); why != "" {
			return why
		}
	}
	why := tellable(s, r.ranges)
	if why == "" {
		why = r.whyNot(s)
	}
	if why == "" {
		return ""
	}
	return r.Name + " " + why
}

// tellable returns what no tool is told, "" if that is not the matter.
func tellable(s quant.Scheme, ranges []*kernels.Range) string {
	switch {
	case s.Rounding != nil && s.Rounding != kernels.Roundings[0]:
		return "rounds to nearest, not " + s.Rounding.Name
	case s.Range == nil || s.Range == kernels.Ranges[0] || s.Range == kernels.Full || slices.Contains(ranges, s.Range):
	case s.Range == kernels.OptimalScale:
		return "has a search of its own, not search=" + s.Range.Name
	default:
		return fmt.Sprintf("takes its ranges from the extremes, not by %s", s.Range.Name)
	}
	if s.Store == nil || !s.Format.Has(kernels.Stored) || s.Store == kernels.Stores[0] || s.Store == kernels.Stores[1] || s.Store == kernels.Stores[2] {
		return ""
	}
	return "stores scales as floats, not as " + s.Store.Name
}

// Write tells the tool to quantize m as plan has it. It is an error, that counts
// the tensors and names the first, if there is a scheme or a tensor that the tool
// cannot be told of.
func (r *Recipe) Write(m *model.Model, plan quant.Plan, paths Paths) (*Written, error) {
	if paths.Recipe == "" {
		paths.Recipe = "recipe" + r.Ext
	}
	s := &sheet{Written: new(Written), model: m, plan: plan, paths: paths}
	if err := r.refuse(s); err != nil {
		return nil, err
	}
	s.tellUnfit()
	if plan.RunsOtherwise() && r.naming != byNode {
		s.note("activations and remedies of the plan are not in the recipe, which is for weights")
	}
	if r.naming == byModule && m.Format == gguf.Format {
		s.note("modules have the names that transformers gives those of a text model: a model with other parts may have them under another name")
	}
	if err := r.write(s); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", m.Name, r.Name, err)
	}
	return s.Written, nil
}

// tellUnfit notes the tensors that do not get the scheme that the plan wishes for
// them.
func (s *sheet) tellUnfit() {
	unfit, first := 0, ""
	for _, t := range s.model.Tensors {
		wish := s.plan.Wish(t).Scheme
		if why := wish.WhyNot(t.Shape); why != "" {
			if unfit++; unfit == 1 {
				first = fmt.Sprintf("%s is %s, not %s: %s", t.Name, s.plan.For(t), wish, why)
			}
		}
	}
	if unfit > 0 {
		s.note("%d tensors do not fit what the plan has first for them: %s", unfit, first)
	}
}

// shownRefused is how many tensors an error names for each reason.
const shownRefused = 3

// refuse fills the parts of the sheet, or returns the error that says which tensors
// cannot be told of.
func (r *Recipe) refuse(s *sheet) error {
	rename, err := r.naming.of(s.model)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.model.Name, r.Name, err)
	}
	reasons := map[string][]string{}
	var order []string
	var refused int
	var unsaid []quant.Scheme // refused whatever the tensor
	for i, scheme := range s.plan.Schemes(s.model.Tensors) {
		t := s.model.Tensors[i]
		if scheme.Keep() && !quant.IsWeight(t) {
			continue // every tool leaves these as they are
		}
		p := part{Tensor: t, Scheme: scheme}
		why := r.WhyNot(scheme)
		if why == "" {
			p.Name, why = rename(t)
		} else {
			unsaid = append(unsaid, scheme)
		}
		if why != "" && scheme.Keep() {
			continue // a weight without a name there stays as it is
		}
		if why == "" && r.fits != nil {
			why = r.fits(p)
		}
		if why == "" {
			s.parts = append(s.parts, p)
			continue
		}
		refused++
		if reasons[why] == nil {
			order = append(order, why)
		}
		reasons[why] = append(reasons[why], t.Name)
	}
	if refused == 0 {
		return nil
	}
	var lines []string
	for _, why := range order {
		names := reasons[why]
		more := ""
		if len(names) > shownRefused {
			more = fmt.Sprintf(" and %d more", len(names)-shownRefused)
		}
		lines = append(lines, strings.Join(names[:min(len(names), shownRefused)], " ")+more+": "+why)
	}
	fits := "GLOB=keep leaves tensors as they are"
	if len(unsaid) > 0 {
		fits = "near it can be told " + r.near(unsaid[0]) + "; " + fits
	}
	return fmt.Errorf("%s: %s cannot be told of %d of %d tensors: %s; %s", s.model.Name, r.Name, refused, len(s.model.Tensors), strings.Join(lines, "; "), fits)
}

// near names a few schemes that the tool can be told, the nearest to s in bits.
func (r *Recipe) near(s quant.Scheme) string {
	says := r.Says()
	slices.SortStableFunc(says, func(a, b quant.Scheme) int {
		return cmp.Or(cmp.Compare(farther(a, s), farther(b, s)), cmp.Compare(dialsApart(a, s), dialsApart(b, s)))
	})
	var names []string
	for _, near := range says[:min(len(says), shownFits)] {
		names = append(names, near.String())
	}
	return strings.Join(names, " ")
}

func farther(a, s quant.Scheme) int {
	return max(a.Format.Bits-s.Format.Bits, s.Format.Bits-a.Format.Bits)
}

// dialsApart returns how many of the main dials of two schemes differ.
func dialsApart(a, b quant.Scheme) (n int) {
	if a.Format != b.Format {
		n += 4
	}
	if a.Granularity != b.Granularity {
		n++
	}
	if a.Asymmetric != b.Asymmetric {
		n++
	}
	return n
}

// Says returns a scheme for each way in which the tool can be told of a format: per
// tensor, per channel, in groups of 32, 64 and 128, symmetric and asymmetric.
func (r *Recipe) Says() []quant.Scheme {
	var list []quant.Scheme
	for _, f := range kernels.Formats {
		for _, dials := range []string{"", ":channel", ":g32", ":g64", ":g128", ":asym", ":channel:asym", ":g32:asym", ":g64:asym", ":g128:asym"} {
			s, err := quant.Parse(f.Name + dials)
			if err == nil && r.WhyNot(s) == "" && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}
