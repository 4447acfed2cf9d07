// Package names tells what the tensors of one network are called by llama.cpp and
// by Hugging Face's transformers, and what converting them from one to the other
// does to their weights.
//
// It is one table, of the architectures llama, qwen, gemma and their kin; what it
// does not list, it does not guess.
package names

import (
	"slices"
	"strings"
)

// Name is a name in transformers, and how its weights stand in a GGUF file that
// convert_hf_to_gguf made of them.
type Name struct {
	Name       string // with a star for the number of an expert, where a GGUF has all of them in one tensor
	Transposed bool   // rows are columns there
	PlusOne    bool   // 1 is added to each weight
	Heads      Heads  // the rows of each head are in another order, see [Row]
}

// Heads says by which heads the rows of a tensor are reordered.
type Heads uint8

// The heads.
const (
	NoHeads    Heads = iota
	QueryHeads       // attention.head_count of them
	KeyHeads         // attention.head_count_kv
)

// Expert returns the name of the expert of the given number.
func (n Name) Expert(number string) string { return strings.Replace(n.Name, "*", number, 1) }

// Stacked reports whether the name stands for many tensors.
func (n Name) Stacked() bool { return strings.Contains(n.Name, "*") }

// Row returns the row of the transformers' tensor that is row r of the GGUF's, for
// heads of so many rows. llama.cpp turns neighbours where transformers turns the
// halves of a head (permute in convert_hf_to_gguf).
func Row(r, headRows int) int {
	in := r % headRows
	return r - in + in%2*(headRows/2) + in/2
}

// Back is the inverse of [Row]: the GGUF's row that is row r of the transformers'.
func Back(r, headRows int) int {
	in := r % headRows
	return r - in + in%(headRows/2)*2 + in/(headRows/2)
}

// HF returns what transformers may call the tensor that a GGUF of an architecture
// calls name, the likeliest first: with a suffix as name has it, ".weight", or as a
// module's name without one. Of an unknown architecture, "", it is what any calls it.
func HF(architecture, name string) []Name {
	stem, suffix := cut(name)
	pattern, numbers := numbered(stem)
	var list []Name
	for _, e := range table {
		if e.gguf != pattern || e.only != nil && architecture != "" && !slices.Contains(e.only, architecture) {
			continue
		}
		n := Name{Name: filled(e.hf, numbers) + suffix, Transposed: e.transposed && suffix != ".bias", Heads: e.heads}
		if !slices.Contains(permuted, architecture) {
			n.Heads = NoHeads
		}
		n.PlusOne = slices.Contains(plusOne, architecture) && strings.HasSuffix(pattern, "_norm")
		list = append(list, n)
	}
	return list
}

// GGUF returns what a GGUF calls the tensor that transformers call name, suffix as
// it is, where that does not depend on the architecture: "" for experts, of which a
// GGUF has all in one, and for what the table does not list.
func GGUF(name string) string {
	stem, suffix := cut(name)
	pattern, numbers := numbered(stem)
	for _, e := range table {
		if e.hf == pattern && e.only == nil && len(numbers) < 2 {
			return filled(e.gguf, numbers) + suffix
		}
	}
	return ""
}

// LlamaCPP reports whether name is one that llama.cpp would give.
func LlamaCPP(name string) bool {
	return strings.HasPrefix(name, "blk.") || strings.HasPrefix(name, "token_embd.")
}

// Bare returns a transformers' name without what comes before it in models of
// several parts, so that "model.language_model.layers.0.x" and "layers.0.x" are one.
func Bare(name string) string {
	for {
		before := name
		for _, p := range []string{"module.", "_orig_mod.", "base_model.", "language_model.", "text_model.", "transformer.", "model."} {
			name = strings.TrimPrefix(name, p)
		}
		if name == before {
			return name
		}
	}
}

// cut returns name without its suffix, and that.
func cut(name string) (stem, suffix string) {
	for _, s := range []string{".weight", ".bias"} {
		if before, ok := strings.CutSuffix(name, s); ok {
			return before, s
		}
	}
	return name, ""
}

// filled returns pattern with the numbers for each #.
func filled(pattern string, numbers []string) string {
	for _, n := range numbers {
		pattern = strings.Replace(pattern, "#", n, 1)
	}
	return pattern
}

// numbered returns name with # for each part that is a number, and the numbers.
func numbered(name string) (pattern string, numbers []string) {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			numbers = append(numbers, p)
			parts[i] = "#"
		}
	}
	return strings.Join(parts, "."), numbers
}
