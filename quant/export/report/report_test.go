package report

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/samples"
)

func tensor(t testing.TB, name string, shape ...int) *model.Tensor {
	t.Helper()
	n, _ := model.Count(shape)
	x, draw := make([]float32, n), rand.New(rand.NewPCG(1, uint64(len(name))))
	for i := range x {
		x[i] = float32(draw.NormFloat64())
	}
	data := make([]byte, 4*n)
	model.F32.Encode(data, x)
	w, err := model.NewTensor(name, model.F32, shape, model.NewFile("m", data), 0)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func plan(t testing.TB, text string) quant.Plan {
	t.Helper()
	c, err := quant.ParseChoice(text)
	if err != nil {
		t.Fatal(err)
	}
	return quant.Everywhere(c)
}

// both returns the report as HTML and as Markdown.
func both(t testing.TB, s Source) (r *Report, html, markdown string) {
	t.Helper()
	r, err := Make(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	var h, m bytes.Buffer
	if err := errors.Join(r.HTML(&h), r.Markdown(&m)); err != nil {
		t.Fatal(err)
	}
	return r, h.String(), m.String()
}

// wellFormed fails the test if elements are not closed as they were opened, or if
// the page needs anything else.
func wellFormed(t testing.TB, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.AutoClose, d.Entity = xml.HTMLAutoClose, xml.HTMLEntity
	d.Strict = true
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if element.Name.Local == "script" {
			t.Error("the page has a script")
		}
		for _, a := range element.Attr {
			if name := a.Name.Local; name == "href" || name == "src" || strings.HasPrefix(name, "on") {
				t.Errorf("<%s> has %s=%q", element.Name.Local, name, a.Value)
			}
		}
	}
	for _, part := range []string{"url(", "@import", "NaN", "Inf", "%!", "ZgotmplZ"} {
		if strings.Contains(page, part) {
			t.Errorf("the page has %q", part)
		}
	}
}

func TestAReportHasEveryTensorAndTheTotals(t *testing.T) {
	m, err := samples.Open("austen")
	if err != nil {
		t.Fatal(err)
	}
	r, html, markdown := both(t, Source{Model: m, Plan: plan(t, "int4:g32"), PlanName: "int4:g32", Command: "bitdial report 'x y'", Version: "v1.2.3"})
	wellFormed(t, html)
	for _, w := range m.Tensors {
		if !strings.Contains(html, ">"+w.Name+"<") || !strings.Contains(markdown, escape(w.Name)) {
			t.Errorf("%s is missing", w.Name)
		}
	}
	for _, part := range []string{decibels(r.Totals.SQNR()), "4.54", "v1.2.3", "this plan = all int4:g32", "prefers-color-scheme"} {
		if !strings.Contains(html, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if !r.Totals.Exact() || len(r.Worst) != shownWorst || !slices.IsSortedFunc(r.Worst, func(a, b *quant.Measurement) int { return int(1000 * (a.SQNR() - b.SQNR())) }) {
		t.Errorf("exact %v, worst %d", r.Totals.Exact(), len(r.Worst))
	}
	if n := strings.Count(html, `<rect class="r`); n < 4*7 {
		t.Errorf("the map has %d cells", n)
	}
}

// No plan that the curve is held against is above it: it chooses from their schemes.
func TestNothingIsAboveTheCurve(t *testing.T) {
	m, err := samples.Open("austen")
	if err != nil {
		t.Fatal(err)
	}
	r, _, _ := both(t, Source{Model: m, Plan: plan(t, "int3:g64")})
	last := math.Inf(-1)
	for _, p := range r.Curve.Points {
		if p.SQNR < last {
			t.Errorf("the curve falls at %d bytes", p.Bytes)
		}
		last = p.SQNR
	}
	for _, mark := range r.Curve.Marks {
		next := slices.IndexFunc(r.Curve.Points, func(p Point) bool { return p.Bytes >= mark.Bytes })
		if next >= 0 && mark.SQNR > r.Curve.Points[next].SQNR+0.1 {
			t.Errorf("%s has %.2f dB, the next point of the curve %.2f", mark.Name, mark.SQNR, r.Curve.Points[next].SQNR)
		}
	}
}

func TestTheSameModelGivesTheSamePage(t *testing.T) {
	m, err := samples.Open("animals")
	if err != nil {
		t.Fatal(err)
	}
	_, a, b := both(t, Source{Model: m, Plan: plan(t, "q4_0,int4:channel")})
	_, c, d := both(t, Source{Model: m, Plan: plan(t, "q4_0,int4:channel")})
	if a != c || b != d {
		t.Error("two pages of one model differ")
	}
}

func TestNamesAreShownAndNotObeyed(t *testing.T) {
	hostile := []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title></svg></style><b>`, `blk.0.a|b|c`, "blk.1.`code` **bold** [x](javascript:y)", `{{.Version}}`, `' onload='x`, `&lt;`,
	}
	m := &model.Model{Name: hostile[0], Path: hostile[1], Format: "gguf", Metadata: []model.KeyValue{
		{Key: "general.architecture", Value: "llama", Type: "str"}, {Key: "general.name", Value: "<b>\n| x |\x00\n# head" + strings.Repeat("x", 1000), Type: "str"},
	}}
	for _, name := range hostile {
		m.Tensors = append(m.Tensors, tensor(t, name, 32, 32))
	}
	_, html, markdown := both(t, Source{Model: m, Plan: plan(t, "q4_0").With(hostile[1], quant.Choice{}), PlanName: hostile[2], Command: "x\n</pre><b>", Version: "<i>"})
	wellFormed(t, strings.ReplaceAll(html, "\uFFFD", "")) // what html/template makes of NUL
	for _, tag := range []string{"<img", "<b>|", "<i>", "alert(1)</script"} {
		if strings.Contains(html, tag) {
			t.Errorf("the page obeys %s", tag)
		}
	}
	code := regexp.MustCompile(`(?m)^    .*$`) // blocks of code show everything
	for line := range strings.Lines(code.ReplaceAllString(markdown, "")) {
		if strings.Contains(line, "<") || strings.Contains(line, "](") || regexp.MustCompile("(^|[^\\\\])`").MatchString(line) {
			t.Errorf("the Markdown obeys %q", line)
		}
		if strings.HasPrefix(line, "|") && strings.Contains(line, "blk") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 10 {
			t.Errorf("a row has other columns: %q", line)
		}
	}
}

// A tensor of nothing else has an SQNR of ∞: the page says why.
func TestWeightsThatAreNoNumbersAreCounted(t *testing.T) {
	data := make([]byte, 4*64)
	model.F32.Encode(data, slices.Repeat([]float32{float32(math.NaN())}, 64))
	bad, err := model.NewTensor("bad.weight", model.F32, []int{2, 32}, model.NewFile("m", data), 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Name: "m", Tensors: []*model.Tensor{bad, tensor(t, "good.weight", 2, 32)}}
	_, html, markdown := both(t, Source{Model: m, Plan: plan(t, "int4:g32")})
	const want = "64 weights, in 1 of the tensors that the plan quantizes, are "
	if !strings.Contains(html, want) || !strings.Contains(markdown, want) {
		t.Error("the page does not say that weights are NaN")
	}
}

func TestReportsOfOddModels(t *testing.T) {
	for name, tensors := range map[string][]*model.Tensor{
		"nothing":      nil,
		"empty tensor": {tensor(t, "a", 0, 4)},
		"scalar":       {tensor(t, "a"), tensor(t, "blk.0")},
		"one layer":    {tensor(t, "blk.0.weight", 32, 32), tensor(t, "blk.00000000000000000000007.w", 32, 32)},
	} {
		for _, scheme := range []string{"keep", "int4:g32", "q8_0", "f32"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				_, html, _ := both(t, Source{Model: &model.Model{Name: "m", Tensors: tensors}, Plan: plan(t, scheme), PlanName: scheme})
				wellFormed(t, html)
			})
		}
	}
	many := make([]*model.Tensor, 300)
	for i := range many {
		many[i] = tensor(t, strings.Repeat("n", 60)+string(rune('a'+i%26))+strings.Repeat("x", i/26), 1)
	}
	r, html, _ := both(t, Source{Model: &model.Model{Name: "m", Tensors: many}, Plan: plan(t, "keep").With("*", quant.Choice{Scheme: plan(t, "int8:tensor").Default.Scheme})})
	if len(r.heat().Cells) != maxOutside || !strings.Contains(html, "240 of 300 other tensors") {
		t.Errorf("%d cells", len(r.heat().Cells))
	}
}

func TestAPlanOfARuleForEachTensorIsShownInFew(t *testing.T) {
	m, err := samples.Open("austen")
	if err != nil {
		t.Fatal(err)
	}
	p, four := quant.Plan{}, plan(t, "int4:g32").Default
	for _, w := range m.Tensors {
		if quant.IsWeight(w) {
			p = p.With(quant.Literal(w.Name), four)
		}
	}
	r, _, _ := both(t, Source{Model: m, Plan: p})
	text, err := r.planText()
	if err != nil || strings.Contains(text, "match =") || !strings.Contains(text, "int4:g32") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestAReportStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &model.Model{Tensors: []*model.Tensor{tensor(t, "a", 64, 64)}}
	if _, err := Make(ctx, Source{Model: m, Plan: plan(t, "int4")}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTicksAreRoundNumbersAroundTheValues(t *testing.T) {
	for _, c := range [][2]float64{{2.5, 8.6}, {0, 1e-9}, {-3, 97}, {5, 5}, {0.001, 0.0012}} {
		s := nice(c[0], c[1])
		ticks := s.ticks()
		if s.lo > c[0] || s.hi < c[1] || len(ticks) < 2 || len(ticks) > 14 {
			t.Errorf("%v: %+v, %v", c, s, ticks)
		}
	}
}
