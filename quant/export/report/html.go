package report

import (
	_ "embed"
	"html/template"
	"io"
	"math"

	"github.com/bitdial/bitdial/quant"
)

//go:embed report.html.tmpl
var source string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"size": size, "count": count, "shape": shape, "number": number, "db": decibels, "about": about, "step": step,
	"histogram": histogramOf, "finite": func(x float64) bool { return !math.IsInf(x, 0) },
	"bar": func(db float64) float64 { return math.Round(100 * max(0, min(1, db/60))) },
}).Parse(source))

// view is what the page is made of.
type view struct {
	*Report
	Title    string
	Least    *quant.Measurement
	Traits   []quant.Trait
	Stored   []quant.Stored
	Heat     heatMap
	Legend   legend
	Plot     plot
	Findings []string
	Method   []string
	PlanText string
}

// HTML writes the report as one page of HTML: no scripts, nothing from elsewhere,
// light or dark as the reader's screen is, and light on paper.
func (r *Report) HTML(w io.Writer) error {
	text, err := r.planText()
	if err != nil {
		return err
	}
	return page.Execute(w, view{
		Report: r, Title: r.title(), Least: r.least(), Traits: quant.About(r.Model), Stored: quant.StoredAs(r.Model.Tensors),
		Heat: r.heat(), Legend: heatLegend(), Plot: r.plot(), Findings: r.findings(), Method: r.method(), PlanText: text,
	})
}
