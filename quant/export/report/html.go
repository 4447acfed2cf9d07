package report

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/bitdial/bitdial/quant"
)

//go:embed report.html.tmpl
var source string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"size": size, "count": count, "shape": shape, "number": number, "db": decibels, "about": about,
	"histogram": histogramOf,
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
	ramp     ramp
}

// Step returns the step of the ramp of colours for an SQNR.
func (v view) Step(db float64) int { return v.ramp.step(db) }

// HTML writes the report as one page of HTML: no scripts, nothing from elsewhere,
// light or dark as the reader's screen is, and light on paper.
func (r *Report) HTML(w io.Writer) error {
	text, err := r.planText()
	if err != nil {
		return err
	}
	return page.Execute(w, view{
		Report: r, Title: r.title(), Least: r.least(), Traits: r.traits(), Stored: quant.StoredAs(r.Model.Tensors),
		Heat: r.heat(), Legend: r.ramp().legend(), Plot: r.plot(), Findings: r.findings(), Method: r.method(), PlanText: text, ramp: r.ramp(),
	})
}
