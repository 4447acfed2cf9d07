package export

import (
	"cmp"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// llamaRecipe is for llama-quantize, as of August 2026: of the file's lines the first
// whose pattern is found in a tensor's name gives its type, std::regex_search, the
// pattern in lower case. With --pure every tensor without a line gets the type of
// the command line, whatever the architecture.
var llamaRecipe = &Recipe{
	Name: "llama-quantize", Ext: ".txt", For: "llama.cpp",
	About:  "a file for --tensor-type-file, and the command line",
	naming: byLlama, whyNot: whyNotLlama, fits: fitsLlama,
	write: func(s *sheet) error {
		if mix := s.mix(); mix != "" {
			s.note("the plan is llama-quantize's own %s: its file is empty", mix)
			s.Command = strings.Join(append([]string{"llama-quantize"}, s.llamaArguments(mix)...), " ")
			return nil
		}
		base, lines := fewestLines(s.parts)
		var b strings.Builder
		for _, l := range lines {
			b.WriteString(l.pattern + "=" + l.value + "\n")
		}
		s.Text = b.String()
		command := []string{"llama-quantize", "--pure"}
		if len(lines) > 0 {
			command = append(command, "--tensor-type-file", shellQuote(s.paths.Recipe))
		}
		s.Command = strings.Join(append(command, s.llamaArguments(base)...), " ")
		return nil
	},
}

// mix returns the name of the mix that gives every tensor the type that it gets
// anyway, "" if there is none.
func (s *sheet) mix() string {
	for _, m := range quant.Mixes {
		plan, err := m.Plan(s.model, s.paths.Imatrix != "")
		if err != nil {
			return "" // of an architecture or a format that mixes are not known for
		}
		if !slices.ContainsFunc(s.parts, func(p part) bool { return p.ggml() == m.Base() }) {
			continue // the file would be called what it is not
		}
		if !slices.ContainsFunc(s.parts, func(p part) bool {
			is := part{Tensor: p.Tensor, Scheme: plan.For(p.Tensor)}
			return is.ggml() != p.ggml()
		}) {
			return m.Name
		}
	}
	return ""
}

// ikRecipe is for the llama-quantize of ik_llama.cpp: pairs as above, but of the
// command line, and with --pure they are not looked at. So the last one is for all
// tensors.
var ikRecipe = &Recipe{
	Name: "ik_llama", Ext: ".sh", For: "llama.cpp",
	About:  "ik_llama.cpp's llama-quantize, a command line with --custom-q",
	naming: byLlama, fits: fitsLlama,
	whyNot: func(s quant.Scheme) string {
		if s.Format.Packing != nil && slices.Contains(missingInIK, s.Format.Name) {
			return "has no type " + s.Format.Name
		}
		return whyNotLlama(s)
	},
	write: func(s *sheet) error {
		base, lines := fewestLines(s.parts)
		var pairs []string
		for _, l := range append(lines, selector{".", base}) {
			pairs = append(pairs, l.pattern+"="+l.value)
		}
		s.Text = strings.Join(append([]string{"llama-quantize", "--custom-q", shellQuote(strings.Join(pairs, ","))}, s.llamaArguments(base)...), " ") + "\n"
		return nil
	},
}

// missingInIK are ggml's types that ik_llama.cpp does not know or calls otherwise.
var missingInIK = []string{"q1_0", "q2_0", "tq1_0", "tq2_0", "nvfp4_ggml"}

// whyNotLlama returns why ggml has no type for s.
func whyNotLlama(s quant.Scheme) string {
	if s.Packs() == nil {
		return "has ggml's types alone, not " + s.String()
	}
	return ""
}

// fitsLlama returns why llama-quantize cannot be told of a tensor.
func fitsLlama(p part) string {
	switch {
	case !p.Scheme.Keep() && p.ggml() != typeName(p.DType) && !llamaQuantizes(p.Name, p.Shape):
		return "llama-quantize leaves it as it is, whatever it is told"
	case strings.ContainsAny(p.Name, "= \t\n,'"):
		return "a name with a space, an equals sign, a comma or a quote cannot be a pattern"
	case strings.ToLower(p.Name) != p.Name:
		return "patterns are made lower case, and so never match its name"
	}
	return ""
}

// unquantized are the parts of names of tensors that llama-quantize leaves as they
// are.
var unquantized = strings.Fields(`
	_norm.weight ffn_gate_inp.weight ffn_gate_tid2eid.weight altup laurel per_layer_model_proj
	ssm_conv1d shortconv.conv.weight indexer.k_proj.weight indexer.q_proj.weight
	time_mix_first.weight time_mix_w0.weight time_mix_w1.weight time_mix_w2.weight
	time_mix_v0.weight time_mix_v1.weight time_mix_v2.weight time_mix_a0.weight time_mix_a1.weight time_mix_a2.weight
	time_mix_g1.weight time_mix_g2.weight time_mix_decay_w1.weight time_mix_decay_w2.weight time_mix_lerp_fused.weight
	attn_rel_b.weight .position_embd sam.pos_embd sam.neck. sam.net_ .rel_pos .patch_embd .patch_merger
	a.rvq.codebook mm.a.code_embd`)

// llamaQuantizes reports whether llama-quantize gives a tensor another type at all.
func llamaQuantizes(name string, shape []int) bool {
	rows := slices.ContainsFunc(shape[:max(0, len(shape)-1)], func(d int) bool { return d > 1 })
	return rows && strings.HasSuffix(name, "weight") && name != "position_embd.weight" && name != "token_types.weight" &&
		!slices.ContainsFunc(unquantized, func(part string) bool { return strings.Contains(name, part) })
}

// bases are the file types whose default is a type, for types that have one.
var bases = map[string]string{
	"q4_0": "Q4_0", "q4_1": "Q4_1", "q5_0": "Q5_0", "q5_1": "Q5_1", "q8_0": "Q8_0",
	"q2_K": "Q2_K", "q3_K": "Q3_K_M", "q4_K": "Q4_K_M", "q5_K": "Q5_K_M", "q6_K": "Q6_K",
	"iq1_s": "IQ1_S", "iq1_m": "IQ1_M", "iq2_xxs": "IQ2_XXS", "iq2_xs": "IQ2_XS", "iq2_s": "IQ2_M",
	"iq3_xxs": "IQ3_XXS", "iq3_s": "IQ3_S", "iq4_nl": "IQ4_NL", "iq4_xs": "IQ4_XS",
	"tq1_0": "TQ1_0", "tq2_0": "TQ2_0", "q1_0": "Q1_0", "q2_0": "Q2_0",
}

// typeName returns ggml's name of a type: ik_llama.cpp minds upper case.
func typeName(d *model.DType) string {
	if d.Packing != nil {
		return d.Packing.Name
	}
	return strings.ToLower(d.Name)
}

// ggml returns the name of the type that p gets.
func (p part) ggml() string {
	if p.Scheme.Keep() {
		return typeName(p.DType)
	}
	return typeName(p.Scheme.Packs())
}

// fewestLines returns the type that takes the fewest lines if it goes without, and
// the lines for the others.
func fewestLines(parts []part) (base string, lines []selector) {
	var names, types []string
	for _, p := range parts {
		if llamaQuantizes(p.Name, p.Shape) {
			names = append(names, p.Name)
			types = append(types, p.ggml())
		}
	}
	tried := slices.Compact(slices.Sorted(slices.Values(types)))
	if len(tried) == 1 && bases[tried[0]] == "" && (tried[0] == "f32" || tried[0] == "f16" || tried[0] == "bf16") {
		return tried[0], nil // patterns are not looked at beside these, and there is no need
	}
	tried = slices.DeleteFunc(tried, func(t string) bool { return bases[t] == "" })
	if len(tried) == 0 {
		tried = []string{"q8_0"} // of no tensor
	}
	found := false
	for _, t := range tried {
		list := selectors(names, types, t, true, false)
		if !says(list, names, types, t) {
			list = selectors(names, types, t, true, true)
		}
		if !found || cmp.Or(cmp.Compare(len(list), len(lines)), cmp.Compare(length(list), length(lines))) < 0 {
			base, lines, found = t, list, true
		}
	}
	return base, lines
}

// length returns the characters of the selectors' patterns.
func length(list []selector) (n int) {
	for _, s := range list {
		n += len(s.pattern)
	}
	return n
}

// llamaArguments returns what the command line ends with, and notes what the types
// ask for.
func (s *sheet) llamaArguments(base string) []string {
	again, needy := 0, 0
	for _, p := range s.parts {
		if p.DType.Packing != nil && p.ggml() != typeName(p.DType) {
			again++
		}
		if f := p.Scheme.Format; f != nil && f.Packing != nil && f.Packing.NeedsImportance {
			needy++
		}
	}
	var a []string
	if s.paths.Imatrix != "" {
		a = append(a, "--imatrix", shellQuote(s.paths.Imatrix))
	} else if needy > 0 {
		s.note("llama-quantize asks for --imatrix: %d tensors get a type that needs to know which weights matter", needy)
	}
	if again > 0 {
		a = append(a, "--allow-requantize")
		s.note("%d tensors are quantized a second time, which costs accuracy; best begin with f16 or bf16", again)
	}
	input := s.model.Path
	if s.model.Format != "gguf" {
		input = s.model.Name + ".gguf"
		s.note("llama-quantize reads GGUF: convert the model first, to %s", input)
	}
	fileType := bases[base]
	if fileType == "" {
		fileType = strings.ToUpper(base)
	}
	return append(a, shellQuote(input), shellQuote(s.model.Name+"-"+fileType+".gguf"), fileType)
}

// shellQuote returns text as one word of a POSIX shell.
func shellQuote(text string) string {
	const plain = "-_./+@%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if text != "" && text[0] != '-' && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
