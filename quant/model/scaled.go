package model

import "sync"

// The types of weights of which a file holds codes, and beside them what scales
// the codes, in tensors of their own. They are read as float32.
var (
	Int1 = scaled("INT1", 1)
	Int2 = scaled("INT2", 2)
	Int3 = scaled("INT3", 3)
	Int4 = scaled("INT4", 4)
	Int5 = scaled("INT5", 5)
	Int6 = scaled("INT6", 6)
	Int7 = scaled("INT7", 7)
	Int8 = scaled("INT8", 8)

	Int32 = scaled("INT32", 32) // biases beside weights of fewer bits

	FP8E4M3 = scaled("FP8_E4M3", 8) // [F8E4M3] with scales
	FP8E5M2 = scaled("FP8_E5M2", 8)
	MXFP8   = scaled("MXFP8", 8) // blocks of 32 whose scales are powers of two, as OCP has it
	MXFP4   = scaled("MXFP4", 4)
	NVFP4   = scaled("NVFP4", 4) // e2m1 in blocks of 16 with e4m3 scales and one for all
	NF4     = scaled("NF4", 4)   // a codebook of 16 values
	FP4     = scaled("FP4", 4)   // another one

	// Scaled lists them, integers by their width.
	Scaled = []*DType{Int1, Int2, Int3, Int4, Int5, Int6, Int7, Int8, Int32, FP8E4M3, FP8E5M2, MXFP8, MXFP4, NVFP4, NF4, FP4}
)

func scaled(name string, bits float64) *DType {
	return &DType{Name: name, Block: 1, Bytes: 4, float: true, bits: bits, decode: decodeF32, encode: encodeF32}
}

// NewScaled returns a tensor of one of [Scaled] that is made of parts, its codes
// first. The function read sets dst to the weights from (inclusive) to
// from+len(dst) (exclusive), in the last dimension's order. It is called by many
// goroutines at once, within the tensor only. Errors are those of [NewComputed].
func NewScaled(name string, dtype *DType, shape []int, parts []*Tensor, encoding string, read func(dst []float32, from int) error) (*Tensor, error) {
	codes := parts[0]
	t, err := described(name, dtype, shape, codes.file, codes.offset)
	if err != nil {
		return nil, err
	}
	t.Encoding, t.made = encoding, &made{read: read, parts: parts}
	return t, nil
}

// readRawScaled is ReadRaw, which may begin and end within a weight.
func (t *Tensor) readRawScaled(dst []byte, from int64) error {
	x := scaledBuffers.Get().(*scaledBuffer) //nolint:forcetypeassert // the pool holds nothing else
	defer scaledBuffers.Put(x)
	for len(dst) > 0 {
		skip := int(from % 4)
		n := min((skip+len(dst)+3)/4, len(x.weights))
		if err := t.made.read(x.weights[:n], int(from/4)); err != nil {
			return err
		}
		encodeF32(x.bytes[:4*n], x.weights[:n])
		done := copy(dst, x.bytes[skip:4*n])
		dst, from = dst[done:], from+int64(done)
	}
	return nil
}

// scaledBuffer holds weights and their bytes.
type scaledBuffer struct {
	weights [1 << 10]float32
	bytes   [1 << 12]byte
}

var scaledBuffers = sync.Pool{New: func() any { return new(scaledBuffer) }}
