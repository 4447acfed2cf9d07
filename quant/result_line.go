package quant

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/bitdial/bitdial/kernels"
)

// Results are lines of JSON with the keys of bitdial measure --json and some more.
// What follows from others (mse, bpw, sqnr_db …) is there for whoever reads the
// lines, and is not read again.

// resultFields is the table of keys of a line, in the order in which they are
// written.
var resultFields = []struct {
	key    string
	append func(b []byte, r *Result) []byte
	read   func(l *resultLine, r *Result, v value) error // nil if it follows from others
	must   bool                                          // no line is a result without it
}{
	{"tensor", func(b []byte, r *Result) []byte { return appendText(b, r.Tensor) }, func(l *resultLine, r *Result, v value) error { return v.text(&l.tensor) }, false},
	{"scheme", func(b []byte, r *Result) []byte { return appendText(b, r.Scheme.String()) }, func(l *resultLine, r *Result, v value) error { return v.text(&l.scheme) }, true},
	{"n", func(b []byte, r *Result) []byte { return strconv.AppendInt(b, int64(r.N+r.NonFinite), 10) }, func(l *resultLine, r *Result, v value) error { return v.count(&l.n) }, true},
	{"bytes", func(b []byte, r *Result) []byte { return strconv.AppendInt(b, r.Bytes, 10) }, func(_ *resultLine, r *Result, v value) error { return v.count(&r.Bytes) }, true},
	{"bpw", func(b []byte, r *Result) []byte { return appendNumber(b, r.BPW()) }, nil, false},
	{"mse", func(b []byte, r *Result) []byte { return appendNumber(b, r.MSE()) }, nil, false},
	{"sse", func(b []byte, r *Result) []byte { return appendNumber(b, r.E2) }, func(_ *resultLine, r *Result, v value) error { return v.sum(&r.E2) }, true},
	{"sqnr_db", func(b []byte, r *Result) []byte { return appendNumber(b, r.SQNR()) }, nil, false},
	{"max_abs_err", func(b []byte, r *Result) []byte { return appendNumber(b, r.MaxAbs) }, func(_ *resultLine, r *Result, v value) error { return v.sum(&r.MaxAbs) }, false},
	{"cosine", func(b []byte, r *Result) []byte { return appendNumber(b, r.Cosine()) }, func(l *resultLine, _ *Result, v value) error { return v.number(&l.cosine) }, false},
	{"clipped", func(b []byte, r *Result) []byte { return strconv.AppendInt(b, int64(r.Clipped), 10) }, func(l *resultLine, _ *Result, v value) error { return v.count(&l.clipped) }, false},
	{"zeros", func(b []byte, r *Result) []byte { return strconv.AppendInt(b, int64(r.Zeros), 10) }, func(l *resultLine, _ *Result, v value) error { return v.count(&l.zeros) }, false},
	{"nonfinite", func(b []byte, r *Result) []byte { return strconv.AppendInt(b, int64(r.NonFinite), 10) }, func(l *resultLine, _ *Result, v value) error { return v.count(&l.nonFinite) }, false},
	{"energy", func(b []byte, r *Result) []byte { return appendNumber(b, r.X2) }, func(_ *resultLine, r *Result, v value) error { return v.sum(&r.X2) }, true},
	{"energy_after", func(b []byte, r *Result) []byte { return appendNumber(b, r.Y2) }, func(_ *resultLine, r *Result, v value) error { return v.sum(&r.Y2) }, false},
	{"exact", func(b []byte, r *Result) []byte { return strconv.AppendBool(b, r.Exact) }, func(_ *resultLine, r *Result, v value) error { return v.truth(&r.Exact) }, true},
	{"sqnr_lo", func(b []byte, r *Result) []byte { return appendNumber(b, r.SQNRLo) }, func(l *resultLine, _ *Result, v value) error { return v.number(&l.lo) }, false},
	{"sqnr_hi", func(b []byte, r *Result) []byte { return appendNumber(b, r.SQNRHi) }, func(l *resultLine, _ *Result, v value) error { return v.number(&l.hi) }, false},
	{"importance", func(b []byte, r *Result) []byte { return appendDigest(b, r.Importance) }, func(_ *resultLine, r *Result, v value) error { return v.digest(&r.Importance) }, false},
	{"weighted_sse", func(b []byte, r *Result) []byte { return appendWeighted(b, r, r.Weighted.E2) }, func(_ *resultLine, r *Result, v value) error { return v.weighted(&r.Weighted.E2) }, false},
	{"weighted_energy", func(b []byte, r *Result) []byte { return appendWeighted(b, r, r.Weighted.X2) }, func(_ *resultLine, r *Result, v value) error { return v.weighted(&r.Weighted.X2) }, false},
	{"weighted_sqnr_db", func(b []byte, r *Result) []byte { return appendWeighted(b, r, r.Weighted.SQNR()) }, nil, false},
	{"weighted_sqnr_lo", func(b []byte, r *Result) []byte { return appendWeighted(b, r, r.Weighted.SQNRLo) }, func(l *resultLine, _ *Result, v value) error { return v.number(&l.weightedLo) }, false},
	{"weighted_sqnr_hi", func(b []byte, r *Result) []byte { return appendWeighted(b, r, r.Weighted.SQNRHi) }, func(l *resultLine, _ *Result, v value) error { return v.number(&l.weightedHi) }, false},
	{"digest", func(b []byte, r *Result) []byte { return appendDigest(b, r.Subject.Tensor) }, func(_ *resultLine, r *Result, v value) error { return v.digest(&r.Subject.Tensor) }, true},
	{"kernels", func(b []byte, _ *Result) []byte { return strconv.AppendInt(b, kernels.Version, 10) }, func(l *resultLine, _ *Result, v value) error { return v.count(&l.version) }, true},
}

// resultKeys are the keys as they stand in our lines.
var resultKeys = func() []string {
	var keys []string
	for _, f := range resultFields {
		keys = append(keys, `"`+f.key+`":`)
	}
	return keys
}()

// AppendJSON appends r to b as a line of JSON, with its newline.
func (r *Result) AppendJSON(b []byte) []byte {
	for i, f := range resultFields {
		b = append(b, "{,"[min(i, 1)], '"')
		b = append(append(b, f.key...), '"', ':')
		b = f.append(b, r)
	}
	return append(b, "}\n"...)
}

func appendText(b []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // a string never fails
	return append(b, quoted...)
}

// appendNumber appends x; JSON has no infinities and no NaN, null stands for them.
func appendNumber(b []byte, x float64) []byte {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}

func appendDigest(b []byte, d Digest) []byte {
	if d == (Digest{}) {
		return append(b, "null"...)
	}
	b = append(b, '"')
	return append(hex.AppendEncode(b, d[:]), '"')
}

func appendWeighted(b []byte, r *Result, x float64) []byte {
	if r.Importance == (Digest{}) {
		return append(b, "null"...)
	}
	return appendNumber(b, x)
}

// resultLine is what a line says that no field of a Result holds as it is. Its
// texts are valid until the line's bytes change.
type resultLine struct {
	tensor, scheme         []byte
	n, version             int64
	clipped, zeros         int64
	nonFinite              int64
	cosine                 float64
	lo, hi                 float64 // NaN: null
	weightedLo, weightedHi float64
}

var errNoResult = errors.New("it is no result of a sweep")

// read reads a line. Scheme and Tensor of the result stay as they are: what says
// them is in l. A line of another version is read as far as that.
func (l *resultLine) read(line []byte, r *Result) error {
	nan := math.NaN()
	*l = resultLine{lo: nan, hi: nan, weightedLo: nan, weightedHi: nan, cosine: nan}
	r.Subject, r.Figures = Subject{}, Figures{Weighted: Weighted{E2: nan, X2: nan}}
	var seen uint64
	guess := 0 // they mostly come in the order of the table
	err := eachMember(line, resultKeys[0], func(key []byte, v value) (string, error) {
		at := guess
		for i := range resultFields {
			if at = (guess + i) % len(resultFields); resultFields[at].key == string(key) {
				break
			}
		}
		f := &resultFields[at]
		if f.key != string(key) {
			return resultKeys[guess], nil
		}
		guess = (at + 1) % len(resultFields)
		if seen&(1<<at) != 0 {
			return "", fmt.Errorf("it says %q twice", key)
		}
		seen |= 1 << at
		if f.read != nil {
			if err := f.read(l, r, v); err != nil {
				return "", fmt.Errorf("its %q is %.40q, not %w", key, v, err)
			}
		}
		return resultKeys[guess], nil
	})
	if err != nil {
		return err
	}
	for i, f := range resultFields {
		if f.must && seen&(1<<i) == 0 {
			return fmt.Errorf("%w: it has no %q", errNoResult, f.key)
		}
	}
	if l.version != kernels.Version {
		return nil
	}
	return l.settle(r)
}

// settle fills in what follows from several fields.
func (l *resultLine) settle(r *Result) error {
	f := &r.Figures
	switch {
	case l.nonFinite > l.n || l.clipped > l.n || l.zeros > l.n:
		return errors.New("it counts more weights than there are")
	case r.Subject.Tensor == Digest{}:
		return errors.New("it has no digest")
	case r.Importance != Digest{} && math.IsNaN(f.Weighted.E2+f.Weighted.X2):
		return errors.New("it has an importance, and no weighted_sse and weighted_energy")
	}
	f.N, f.NonFinite = int(l.n-l.nonFinite), int(l.nonFinite)
	f.Clipped, f.Zeros = int(l.clipped), int(l.zeros)
	f.XY = (f.X2 + f.Y2 - f.E2) / 2
	if !math.IsNaN(l.cosine) {
		f.XY = l.cosine * (math.Sqrt(f.X2) * math.Sqrt(f.Y2))
	}
	f.SQNRLo, f.SQNRHi = interval(f.SQNR(), l.lo, l.hi, f.Exact)
	if r.Importance == (Digest{}) {
		f.Weighted = Weighted{f.E2, f.X2, f.SQNRLo, f.SQNRHi}
		return nil
	}
	w := &f.Weighted
	w.SQNRLo, w.SQNRHi = interval(w.SQNR(), l.weightedLo, l.weightedHi, f.Exact)
	return nil
}

// interval returns the ends of an interval around db: where a line has null, they
// are infinitely far.
func interval(db, lo, hi float64, exact bool) (float64, float64) {
	if exact || math.IsInf(db, 1) {
		return db, db
	}
	if math.IsNaN(lo) {
		lo = math.Inf(-1)
	}
	if math.IsNaN(hi) {
		hi = math.Inf(1)
	}
	return lo, hi
}
