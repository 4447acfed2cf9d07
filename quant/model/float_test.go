package model

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCopyingFloatsEqualsDecodingThemOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(t, "n")
		b := rapid.SliceOfN(rapid.Byte(), 4*n+3, 4*n+3).Draw(t, "bytes")
		b = b[rapid.IntRange(0, 3).Draw(t, "misaligned by"):][:4*n]
		fast, plain := make([]float32, n), make([]float32, n)
		decodeF32(fast, b)
		decodeF32Anywhere(plain, b)
		if !slices.EqualFunc(fast, plain, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }) {
			t.Fatalf("%v, one by one %v", fast, plain)
		}
		back, plainBack := make([]byte, 4*n), make([]byte, 4*n)
		encodeF32(back, fast)
		encodeF32Anywhere(plainBack, plain)
		if !bytes.Equal(back, b) || !bytes.Equal(plainBack, b) {
			t.Fatalf("%x became %x and %x", b, back, plainBack)
		}
	})
}
