package quant

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// Digest says what a tensor holds, whatever it is called and whichever file it
// is in: the first 16 bytes of the SHA-256 of its element type, its shape and the
// SHA-256 of each MiB of it as stored. SHA-256, because processors have
// instructions for it that keep up with reading, and because results may come
// from machines that are not one's own. The zero Digest stands for nothing.
type Digest [16]byte

// String returns d in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// digestLen is how many bytes are digested at a time.
const digestLen = 1 << 20

// DigestOf reads t once, in parallel. progress, which may be nil, hears the share
// done.
func DigestOf(ctx context.Context, t *model.Tensor, progress func(float64)) (Digest, error) {
	size := t.RawBytes()
	sums := make([][sha256.Size]byte, (size+digestLen-1)/digestLen)
	buf := make([][]byte, workers())
	err := parallel(ctx, workers(), len(sums), progress, func(worker, i int) error {
		if buf[worker] == nil {
			buf[worker] = make([]byte, min(size, digestLen))
		}
		from := int64(i) * digestLen
		b := buf[worker][:min(digestLen, size-from)]
		if err := t.ReadRaw(b, from); err != nil {
			return err
		}
		sums[i] = sha256.Sum256(b)
		return nil
	})
	if err != nil {
		return Digest{}, err
	}
	h := sha256.New()
	h.Write(fmt.Appendf(nil, "%s %d\n", t.DType.Name, t.Shape))
	for _, sum := range sums {
		h.Write(sum[:])
	}
	return Digest(h.Sum(nil)), nil
}

// digestOfImportance returns the digest of importance weights, the zero one of
// none.
func digestOfImportance(importance []float32) Digest {
	if importance == nil {
		return Digest{}
	}
	b := make([]byte, 4*len(importance))
	model.F32.Encode(b, importance)
	sum := sha256.Sum256(b)
	return Digest(sum[:])
}
