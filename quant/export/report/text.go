package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// decibels returns an SQNR with one digit.
func decibels(db float64) string {
	switch {
	case math.IsInf(db, 1):
		return "∞"
	case math.IsInf(db, -1):
		return "−∞"
	}
	return strings.Replace(strconv.FormatFloat(db, 'f', 1, 64), "-", "−", 1)
}

// approximate returns what stands beside a figure.
func approximate(exact bool) string {
	if exact {
		return "exact"
	}
	return "≈ from a sample"
}

// about returns the mark of estimates.
func about(exact bool) string {
	if exact {
		return ""
	}
	return "≈\u202f"
}

func size(bytes int64) string { return humanize.IBytes(uint64(max(0, bytes))) }

func count(n int) string {
	return strings.ReplaceAll(humanize.Comma(int64(n)), ",", "\u202f")
}

func shape(dims []int) string {
	if len(dims) == 0 {
		return "scalar"
	}
	sides := make([]string, len(dims))
	for i, d := range dims {
		sides[i] = strconv.Itoa(d)
	}
	return strings.Join(sides, "×")
}

func number(x float64) string {
	text := strconv.FormatFloat(x, 'g', 3, 64)
	if digits, negative := strings.CutPrefix(text, "-"); negative {
		return "−" + digits
	}
	return text
}

// title says what the report is about.
func (r *Report) title() string { return r.Model.Name + " under " + r.PlanName }

// BPW returns the bits per weight of a model of so many bytes.
func (r *Report) BPW(bytes int64) float64 {
	return 8 * float64(bytes) / float64(max(1, r.Totals.Params))
}

// findings are what the curve says of the plan, in sentences.
func (r *Report) findings() []string {
	this := r.Curve.Marks[len(r.Curve.Marks)-1]
	var list []string
	if best, ok := r.Curve.at(this.Bytes); ok && best.SQNR > this.SQNR+0.05 {
		list = append(list, fmt.Sprintf("In as many bytes, the best plan from these schemes has ≈\u202f%s dB: %s dB more.", decibels(best.SQNR), decibels(best.SQNR-this.SQNR)))
	} else if ok && !math.IsInf(this.SQNR, 1) {
		list = append(list, "From these schemes no plan of as many bytes is seen to be better.")
	}
	if same, ok := r.Curve.reaching(this.SQNR); ok && same.Bytes < this.Bytes {
		list = append(list, fmt.Sprintf("The same SQNR is to be had in ≈\u202f%s, %.0f\u202f%% less.", size(same.Bytes), 100*(1-float64(same.Bytes)/float64(this.Bytes))))
	}
	return list
}

// method says how the figures were found.
func (r *Report) method() []string {
	how := "Each tensor's error under the plan was measured over all of its weights, exactly."
	if r.Estimate {
		how = "Each tensor's error under the plan was estimated from a sample of its weights (≈); tensors no larger than the sample were measured exactly."
	}
	var names []string
	for _, s := range r.Curve.schemes {
		names = append(names, s.String())
	}
	if slices.ContainsFunc(r.Model.Tensors, func(t *model.Tensor) bool { return t.DType.Packing != nil }) {
		how += " This file is quantized already: errors are against what it holds, not against the model that it was made of."
	}
	odd, tensors := 0, 0
	for i := range r.Tensors {
		if n := r.Tensors[i].Figures.NonFinite; n > 0 {
			odd, tensors = odd+n, tensors+1
		}
	}
	if odd > 0 {
		how += fmt.Sprintf(" %s weights, in %s of the tensors that the plan quantizes, are NaN or infinite: no figure counts them.", count(odd), count(tensors))
	}
	if r.Plan.RunsOtherwise() {
		how += " What the plan says of activations and remedies acts where a network runs, and is in none of these figures."
	}
	return []string{
		how,
		"SQNR is 10·log₁₀(Σw²/Σe²), the energy of the weights over that of the error, in dB: 6 dB more is half the error. That of the model comes from the mean relative error, every weight counting alike (objective " + quant.Objectives[0].Name + ").",
		"The curve is the best that can be chosen, tensor by tensor, from " + strings.Join(names, ", ") + "; it and the plans beside it are estimates from samples. Bits per weight count every scale and zero point, and tensors that are kept.",
	}
}

// planText returns the plan as its file has it; one of a rule for each tensor, as
// mixes are, in few rules that say the same of this model.
func (r *Report) planText() (string, error) {
	const many = 12
	plan := r.Plan
	if len(plan.Rules) > many {
		schemes := make([]quant.Scheme, len(r.Tensors))
		for i := range r.Tensors {
			schemes[i] = r.Tensors[i].Scheme
		}
		short := quant.Compress(r.Model.Tensors, schemes)
		plan.Default, plan.Rules = short.Default, short.Rules
	}
	var b strings.Builder
	_, err := plan.WriteTo(&b)
	return b.String(), err
}

// traits returns what the file says of the model, long texts cut.
func (r *Report) traits() []quant.Trait {
	const most = 200
	list := quant.About(r.Model)
	for i := range list {
		if text := []rune(list[i].Value); len(text) > most {
			list[i].Value = string(text[:most]) + "…"
		}
	}
	return list
}
