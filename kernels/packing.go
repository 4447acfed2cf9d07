package kernels

import (
	"encoding/binary"

	"github.com/x448/float16"
)

// Packing is a block format of ggml and GGUF: a run of Block weights becomes
// Bytes bytes, with scales of its own, chosen by a search of its own. Its
// bytes are the reference implementation's (ggml at d99724f2) in every bit.
type Packing struct {
	Name  string // as schemes write it, and ggml
	About string // what it is, in a sentence
	Block int    // weights in a block
	Bytes int    // that they become

	// UsesImportance says that importance weights change the bytes,
	// NeedsImportance that quantizing without them is not defined.
	UsesImportance, NeedsImportance bool

	// quantize packs one row: some searches weigh a weight against its whole
	// row. importance is nil or as long as x.
	quantize func(dst []byte, x, importance []float32)

	dequantize func(dst []float32, src []byte)
}

// putHalf stores x in b as IEEE binary16 and returns what was stored.
func putHalf(b []byte, x float32) float32 {
	h := float16.Fromfloat32(x).Bits()
	binary.LittleEndian.PutUint16(b, h)
	return f16Values[h]
}

// half returns the IEEE binary16 value that begins b.
func half(b []byte) float32 { return f16Values[binary.LittleEndian.Uint16(b)] }
