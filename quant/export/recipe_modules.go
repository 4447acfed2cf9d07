package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant"
)

// grouped returns the size of the groups of s, 0 where it has none.
func grouped(s quant.Scheme) int { return max(0, int(s.Granularity)) }

// sized reports whether the groups of s are of one of these sizes.
func sized(s quant.Scheme, sizes ...int) bool {
	for _, g := range sizes {
		if int(s.Granularity) == g {
			return true
		}
	}
	return false
}

// integer returns the bits of a scheme of integers, 0 of another.
func integer(s quant.Scheme) int {
	if s.Format.Integer() {
		return s.Format.Bits
	}
	return 0
}

// cast reports whether s leaves weights as floats.
func cast(s quant.Scheme) bool { return s.Format.Cast != nil }

// lacks says that a tool has no such format, or that one not with these dials.
func lacks(s quant.Scheme, has string) string { return "has no " + s.String() + ": " + has }

// noEmbeddings is fits for tools that quantize layers that multiply alone, and
// whose groups divide rows.
func noEmbeddings(p part) string {
	if p.Name == embedding && !p.floats() {
		return "the tool quantizes no embedding"
	}
	return wholeGroups(p)
}

// wholeGroups returns why the groups of p do not divide its rows, "" if they do.
func wholeGroups(p part) string {
	row := p.Shape[len(p.Shape)-1]
	g := grouped(p.Scheme)
	if p.Scheme.Format != nil && p.Scheme.Format.Micro != nil {
		g = p.Scheme.Format.Micro.Block
	}
	if g > 0 && row%g != 0 {
		return fmt.Sprintf("groups of %d do not divide its rows of %d", g, row)
	}
	return ""
}

// tellFloats notes that weights that are cast are no matter of the tool's.
func (s *sheet) tellFloats() {
	count := map[string]int{}
	for _, p := range s.parts {
		if !p.Scheme.Keep() && cast(p.Scheme) {
			count[p.Scheme.Format.Name]++
		}
	}
	for _, f := range kernels.Formats {
		if n := count[f.Name]; n > 0 {
			s.note("%d tensors that the plan has as %s stay in the type that the model is loaded in", n, f.Name)
		}
	}
}

// fused are modules of a layer that vLLM computes as one.
var fused = []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"}

// tellFused notes where modules that are computed as one differ.
func (s *sheet) tellFused() {
	schemes := map[string]quant.Scheme{} // by layer and what they are fused to
	differ, first := map[string]bool{}, ""
	for _, p := range s.parts {
		for _, f := range fused {
			layer, ok := strings.CutSuffix(p.Name, f)
			if !ok {
				continue
			}
			block, _, _ := strings.Cut(f, ".")
			one := layer + block
			was, seen := schemes[one]
			if seen && was != p.Scheme && !differ[one] {
				if len(differ) == 0 {
					first = fmt.Sprintf("%s has %s and %s", one, was, p.Scheme)
				}
				differ[one] = true
			}
			schemes[one] = p.Scheme
		}
	}
	if len(differ) > 0 {
		s.note("vLLM computes q_proj, k_proj and v_proj as one, and gate_proj and up_proj, and asks for one scheme: %d of them differ, %s", len(differ), first)
	}
}

// modules returns selectors for the modules by what word says of their schemes.
// Those that stay floats have none, or with floats that word.
func (s *sheet) modules(word func(quant.Scheme) string, floats string, ordered bool) []selector {
	var names, values []string
	for _, p := range s.parts {
		names = append(names, p.Name)
		if p.floats() {
			values = append(values, floats)
		} else {
			values = append(values, word(p.Scheme))
		}
	}
	return selectors(names, values, "", ordered, true)
}

// indented returns v as JSON.
func indented(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // text, numbers and maps of them
	}
	return b.String()
}

// pythonText returns text as a literal of Python.
func pythonText(text string) string {
	return strings.TrimSuffix(compact(text), "\n") // JSON's escapes are Python's
}

func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // text, numbers and maps of them
	}
	return b.String()
}

// pythonPattern returns a regular expression as a literal of Python.
func pythonPattern(text string) string {
	if strings.ContainsAny(text, "\"\n\r") || regexp.MustCompile(`\\$`).MatchString(text) {
		return pythonText(text)
	}
	return `r"` + text + `"`
}
