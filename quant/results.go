package quant

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/bitdial/bitdial/quant/model"
)

// Subject is what was measured: a tensor by what it holds, and the importance
// that weighed its error, the zero Digest if none did.
type Subject struct{ Tensor, Importance Digest }

// Result is what is known of a tensor under a scheme.
type Result struct {
	Tensor string // its name where it was measured
	Subject
	Scheme Scheme
	Figures
}

// Results are what sweeps have found out, by subject and scheme, all under the
// present [kernels.Version]. They may be used from several goroutines.
type Results struct {
	mu       sync.RWMutex
	subjects map[Subject]uint32
	schemes  map[Scheme]uint32
	figures  map[resultKey]*kept
	names    map[string]uint32
	also     map[namedKey]struct{}     // further names of tensors that hold the same
	tensors  map[*model.Tensor]Subject // those that were identified
	spare    []kept                    // that figures points into
}

type resultKey struct{ subject, scheme uint32 }

// kept are figures, the tensor's name that they were found under first, and where
// they stand.
type kept struct {
	Figures
	name, file, line uint32
}

// namedKey is a result under a name; estimates and what is exact are told apart.
type namedKey struct {
	resultKey
	name  uint32
	exact bool
}

// NewResults returns results that are none yet.
func NewResults() *Results {
	return &Results{
		subjects: map[Subject]uint32{}, schemes: map[Scheme]uint32{},
		names: map[string]uint32{}, also: map[namedKey]struct{}{},
		figures: map[resultKey]*kept{}, tensors: map[*model.Tensor]Subject{},
	}
}

// Len returns how many results there are.
func (r *Results) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.figures)
}

// Identify reads tensors, those that it has not read before, and notes what they
// hold: [Results.Figures] knows no others. importance returns what weighs a
// tensor's error, nil where nothing does; it may be nil itself. progress, which
// may be nil, hears the share done.
func (r *Results) Identify(ctx context.Context, tensors []*model.Tensor, importance func(*model.Tensor) ([]float32, error), progress func(float64)) error {
	var done, total int64
	for _, t := range tensors {
		total += t.Bytes()
	}
	for _, t := range tensors {
		if _, err := r.identify(ctx, t, importance); err != nil {
			return err
		}
		if done += t.Bytes(); progress != nil {
			progress(ratio(float64(done), float64(total)))
		}
	}
	return nil
}

func (r *Results) identify(ctx context.Context, t *model.Tensor, importance func(*model.Tensor) ([]float32, error)) (Subject, error) {
	r.mu.RLock()
	s, known := r.tensors[t]
	r.mu.RUnlock()
	if known {
		return s, nil
	}
	var err error
	if s.Tensor, err = DigestOf(ctx, t, nil); err != nil {
		return s, err
	}
	if importance != nil {
		weights, err := importance(t)
		if err != nil {
			return s, err
		}
		s.Importance = digestOfImportance(weights)
	}
	r.mu.Lock()
	r.tensors[t] = s
	r.mu.Unlock()
	return s, nil
}

// Figures returns what is known of t, which was identified, under s; nil if
// nothing is. A tensor under "keep" has no error.
func (r *Results) Figures(t *model.Tensor, s Scheme) *Figures {
	r.mu.RLock()
	defer r.mu.RUnlock()
	subject, known := r.tensors[t]
	if !known {
		return nil
	}
	return r.of(subject, s)
}

// of is Figures of a subject, under the lock.
func (r *Results) of(subject Subject, s Scheme) *Figures {
	a, known := r.subjects[subject]
	b, also := r.schemes[s]
	if !known || !also {
		return nil
	}
	if k := r.figures[resultKey{a, b}]; k != nil {
		return &k.Figures
	}
	return nil
}

// Strangers returns how many results are of none of the tensors that were
// identified: of another model, or under another importance.
func (r *Results) Strangers() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	own := map[uint32]bool{}
	for _, s := range r.tensors {
		if i, known := r.subjects[s]; known {
			own[i] = true
		}
	}
	n := 0
	for key := range r.figures {
		if !own[key.subject] {
			n++
		}
	}
	return n
}

// Add adds a result. One that is less exact than what is known is left out, one
// as exact must say the same.
func (r *Results) Add(x *Result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.add(r.key(x.Subject, x.Scheme), &kept{x.Figures, number(r.names, x.Tensor), 0, 0}); err != nil {
		return fmt.Errorf("%s as %s: %w", x.Tensor, x.Scheme, err)
	}
	return nil
}

// told reports whether there is a line about t under s as it is called here, and
// not only about another tensor that holds the same.
func (r *Results) told(t *model.Tensor, s Scheme) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, name := r.key(r.tensors[t], s), number(r.names, t.Name)
	k := r.figures[key]
	if k == nil || k.name == name {
		return k != nil
	}
	_, told := r.also[namedKey{key, name, k.Exact}]
	return told
}

func (r *Results) key(s Subject, scheme Scheme) resultKey {
	return resultKey{number(r.subjects, s), number(r.schemes, scheme)}
}

// number returns what key is counted as, a new number if it is new.
func number[K comparable](m map[K]uint32, key K) uint32 {
	i, known := m[key]
	if !known {
		i = uint32(len(m))
		m[key] = i
	}
	return i
}

// errContradiction is that of two results of which one must be wrong.
type errContradiction struct{ file, line uint32 }

func (errContradiction) Error() string {
	return "it has other figures than were known"
}

// add adds what stands in a line of a file.
func (r *Results) add(key resultKey, k *kept) error {
	known := r.figures[key]
	switch {
	case known == nil || !known.Exact && k.Exact:
	case known.Exact == k.Exact && !known.agrees(&k.Figures):
		return errContradiction{known.file, known.line}
	case known.Exact == k.Exact && known.name != k.name:
		r.also[namedKey{key, k.name, k.Exact}] = struct{}{}
		return nil
	default:
		return nil
	}
	if len(r.spare) == 0 {
		r.spare = make([]kept, 1<<8)
	}
	r.figures[key], r.spare = &r.spare[0], r.spare[1:] // whoever has the figures that were there keeps them
	*r.figures[key] = *k
	return nil
}

// agreement is how far apart, relatively, two figures may be that say the same:
// processors that fuse products and sums round estimates otherwise.
const agreement = 1e-9

// agrees reports whether m and f, equally exact, say the same.
func (m *Figures) agrees(f *Figures) bool {
	near := func(a, b float64) bool {
		return a == b || math.Abs(a-b) <= agreement*max(math.Abs(a), math.Abs(b))
	}
	return m.N == f.N && m.Bytes == f.Bytes && m.NonFinite == f.NonFinite &&
		near(m.E2, f.E2) && near(m.X2, f.X2) && near(m.MaxAbs, f.MaxAbs) &&
		near(m.Weighted.E2, f.Weighted.E2) && near(m.Weighted.X2, f.Weighted.X2)
}

func (k errContradiction) in(files []string, file string, line uint32) error {
	first := fmt.Sprintf("line %d", k.line)
	if int(k.file) < len(files) && files[k.file] != file {
		first += " of " + files[k.file]
	}
	return fmt.Errorf("%s: line %d contradicts %s: the same tensor, scheme and importance, other figures; delete the wrong one of the two", file, line, first)
}
