package kernels

// Packing is a format that stores a block of weights in a fixed number of
// bytes.
type Packing struct {
	Name  string
	About string // what it is, in a sentence, for people
	Block int    // weights
	Bytes int    // of a block

	NeedsImportance bool // quantizing without importance weights is not defined
	UsesImportance  bool

	quantize   func(dst []byte, x, importance []float32) // one row: len(x) a multiple of Block; importance nil or as long as x
	dequantize func(dst []float32, src []byte)
}
