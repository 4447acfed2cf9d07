package quant

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/bitdial/bitdial/kernels"
	"github.com/bitdial/bitdial/quant/model"
)

const (
	maxResultLine = 1 << 16 // bytes; ours have some hundreds
	maxResults    = 1 << 23 // that are kept, of 200 bytes each
)

// Skipped are lines of a file that were left out for one reason.
type Skipped struct {
	File  string
	Lines int
	First int // the number of the first
	Why   string
}

// String returns what was skipped in a sentence.
func (s Skipped) String() string {
	if s.Lines == 1 {
		return fmt.Sprintf("%s: line %d is skipped: %s", s.File, s.First, s.Why)
	}
	return fmt.Sprintf("%s: %d lines are skipped, the first is line %d: %s", s.File, s.Lines, s.First, s.Why)
}

// LoadResults reads files of results, as sweeps write them; files that were
// joined are one. A result that occurs again counts once, an exact one instead of an
// estimate. Skipped, and named, are lines that are no results, as a torn one,
// and those of another [kernels.Version]. Two results that contradict each other are
// an error that names their lines, and so is a file in which no line is a result.
func LoadResults(paths ...string) (*Results, []Skipped, error) {
	r := NewResults()
	var skipped []Skipped
	for i, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, model.FileError(path, err)
		}
		reading := reading{results: r, paths: paths[:i+1]}
		_, err = reading.file(f)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, nil, err
		}
		skipped = append(skipped, reading.skipped...)
	}
	return r, skipped, nil
}

// reading is a file of results on its way into memory.
type reading struct {
	results *Results
	paths   []string // of all files; the last is this one
	skipped []Skipped
	found   int  // lines that are results, whatever their version
	open    bool // the last of them has no newline
	schemes map[string]*Scheme

	said   resultLine // the present line
	result Result
}

func (r *reading) path() string { return r.paths[len(r.paths)-1] }

// file reads f to its end. It returns how many bytes whole lines have.
func (r *reading) file(f io.Reader) (whole int64, err error) {
	in := bufio.NewReaderSize(f, maxResultLine)
	r.schemes = map[string]*Scheme{}
	number := 0
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			number++
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			n, e := skipLine(in)
			if e != nil && !errors.Is(e, io.EOF) {
				return whole, model.FileError(r.path(), e)
			}
			whole += int64(len(line)) + n
			r.skip(number, fmt.Sprintf("it has more than %d bytes", maxResultLine))
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return whole, model.FileError(r.path(), err)
		}
		before := r.found
		if len(bytes.TrimSpace(line)) > 0 {
			if e := r.line(line, number, err != nil); e != nil {
				return whole, e
			}
		}
		r.open = err != nil && r.found > before
		if err == nil || r.open {
			whole += int64(len(line))
		}
		if err != nil {
			return whole, r.end(line, number)
		}
	}
}

// skipLine reads to the end of a line.
func skipLine(in *bufio.Reader) (n int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		n += int64(len(part))
		if !errors.Is(err, bufio.ErrBufferFull) {
			return n, err
		}
	}
}

// begin is how lines that sweeps write begin.
const begin = `{"tensor":`

// end settles whether what was read is results at all: if a sweep was stopped in
// its first line, the beginning of it tells.
func (r *reading) end(last []byte, lines int) error {
	torn := len(last) > 0 && (strings.HasPrefix(string(last), begin) || strings.HasPrefix(begin, string(last)))
	if r.found > 0 || len(r.skipped) == 0 || lines == 1 && torn {
		return nil
	}
	return fmt.Errorf("%s: none of its lines is a result of a sweep (%s)", r.path(), r.skipped[0].Why)
}

// line reads a line; the last one of the file may be torn.
func (r *reading) line(line []byte, at int, last bool) error {
	l, x := &r.said, &r.result
	if err := l.read(line, x); err != nil {
		if last {
			err = errors.New("the last line is torn")
		}
		r.skip(at, err.Error())
		return nil
	}
	r.found++
	if l.version != kernels.Version {
		r.skip(at, fmt.Sprintf("it is of version %d of the arithmetic, this is version %d", l.version, kernels.Version))
		return nil
	}
	scheme, known := r.schemes[string(l.scheme)]
	if !known {
		if s, err := Parse(string(l.scheme)); err == nil {
			scheme = &s
		}
		if len(r.schemes) < 1<<16 {
			r.schemes[string(l.scheme)] = scheme
		}
	}
	if scheme == nil {
		r.skip(at, fmt.Sprintf("%.60q is no scheme", l.scheme))
		return nil
	}
	if len(l.tensor) > model.MaxName {
		r.skip(at, fmt.Sprintf("its tensor has a name of more than %d bytes", model.MaxName))
		return nil
	}
	if len(r.results.figures)+len(r.results.also) >= maxResults {
		return fmt.Errorf("%s: line %d: more than %d results: divide them by models", r.path(), at, maxResults)
	}
	name, known := r.results.names[string(l.tensor)]
	if !known {
		name = number(r.results.names, string(l.tensor))
	}
	err := r.results.add(r.results.key(x.Subject, *scheme), &kept{x.Figures, name, uint32(len(r.paths) - 1), uint32(at)})
	if c := (errContradiction{}); errors.As(err, &c) {
		return c.in(r.paths, r.path(), uint32(at))
	}
	return err
}

// skip notes that a line is left out.
func (r *reading) skip(number int, why string) {
	for i := range r.skipped {
		if s := &r.skipped[i]; s.Why == why {
			s.Lines++
			return
		}
	}
	const most = 20 // reasons that are told apart
	if len(r.skipped) == most {
		r.skipped = append(r.skipped, Skipped{r.path(), 1, number, "of various reasons"})
		return
	}
	if len(r.skipped) > most {
		r.skipped[most].Lines++
		return
	}
	r.skipped = append(r.skipped, Skipped{r.path(), 1, number, why})
}
