package kernels

// Backend is an implementation of the hot kernels. All give the same bits.
type Backend int

// The backends. Portable is plain Go and the specification of the others.
const (
	Portable Backend = iota
	AVX2
	AVX512
)

// String returns the name: "go", "avx2" or "avx512".
func (b Backend) String() string { return [...]string{"go", "avx2", "avx512"}[b] }

// backend is the one in use: the best that the machine runs.
var backend = Backends()[len(Backends())-1]

// Use makes b, one of [Backends], the one in use and returns the one before.
// It is for tests and benchmarks: no kernel may run meanwhile.
func Use(b Backend) (before Backend) {
	before, backend = backend, b
	return before
}
