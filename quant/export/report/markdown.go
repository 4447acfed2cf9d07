package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/bitdial/bitdial/quant"
)

// Markdown writes the report as Markdown with tables, bars of text instead of
// pictures.
func (r *Report) Markdown(w io.Writer) error {
	plan, err := r.planText()
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	t := &r.Totals
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(b, format+"\n", args...) } // Flush has the error
	line("# %s under %s\n", escape(r.Model.Name), escape(r.PlanName))
	line("%s, %s tensors, %s weights.\n", escape(r.Model.Format), count(len(r.Tensors)), count(t.Params))
	line("| | stored | under the plan |\n|---|--:|--:|")
	line("| size | %s | %s, %.2f× smaller |", size(t.Now), size(t.Then), t.Ratio())
	line("| bits per weight | %.2f | %.2f |", t.NowBPW(), t.BPW())
	line("| SQNR of the model, dB | | %s%s |", about(t.Exact()), decibels(t.SQNR()))
	if m := r.least(); m != nil {
		line("| least SQNR, dB | | %s%s, %s |", about(m.Exact), decibels(m.SQNR()), escape(m.Tensor.Name))
	}
	line("\n## What the bytes buy\n")
	for _, text := range r.findings() {
		line("%s\n", text)
	}
	line("| plan | size | bpw | SQNR, dB | |\n|---|--:|--:|--:|---|")
	for _, m := range r.Curve.Marks {
		name := escape(m.Name)
		if m.This {
			name = "**" + name + "**"
		}
		line("| %s | %s | %.2f | %s%s | %s |", name, size(m.Bytes), r.BPW(m.Bytes), about(m.Exact), decibels(m.SQNR), bar(m.SQNR))
	}
	line("\n## Every tensor\n")
	line("| tensor | shape | stored as | scheme | size | bpw | SQNR, dB | | max error |\n|---|---|---|---|--:|--:|--:|---|--:|")
	for i := range r.Tensors {
		x := &r.Tensors[i]
		worst, length := number(x.Figures.MaxAbs), bar(x.SQNR())
		if x.Scheme.Keep() {
			worst, length = "0", ""
		}
		line("| %s | %s | %s | %s | %s | %.2f | %s%s | %s | %s |", escape(x.Name), shape(x.Shape), x.DType, escape(x.Scheme.String()),
			size(x.Figures.Bytes), x.Figures.BPW(), about(x.Figures.Exact), decibels(x.SQNR()), length, worst)
	}
	line("\n## The model\n\n| | |\n|---|---|\n| file | %s |", escape(r.Model.Path))
	for _, trait := range r.traits() {
		line("| %s | %s |", trait.Name, escape(trait.Value))
	}
	for _, s := range quant.StoredAs(r.Model.Tensors) {
		line("| stored as %s | %s tensors, %s weights, %s |", s.DType, count(s.Tensors), count(s.Params), size(s.Bytes))
	}
	line("\n## How this was made\n")
	for _, text := range r.method() {
		line("%s\n", text)
	}
	line("The plan:\n\n%s\nThis report again, with bitdial %s:\n\n%s", indented(plan), escape(r.Version), indented(r.Command))
	return b.Flush()
}

// bar is an SQNR as a length, 60 dB being all of it.
func bar(db float64) string {
	const most = 24
	return strings.Repeat("█", int(max(0, min(1, db/60))*most))
}

// escape returns text as Markdown shows it and does not obey: what it gives a
// meaning, and HTML, is escaped, and it stays on its line.
func escape(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_{}[]()#+!|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// indented returns text as a block of code: no line of it can end one.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + strings.TrimRight(line, "\r\n") + "\n")
	}
	return b.String()
}
