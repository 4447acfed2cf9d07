package model_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bitdial/bitdial/quant/model"
)

// BenchmarkReadPageCache reads a file larger than the processor's caches, as
// streams of weights do: stretch by stretch into memory that is used again. It
// reports the bytes read as a share of what copying as many from ordinary memory
// takes, by the same stretches. "first" reads through a new map, whose pages the
// system has to fill in, "again" through one that was read before.
func BenchmarkReadPageCache(b *testing.B) {
	const bytes, stretch = 256 << 20, 1 << 15
	path := filepath.Join(b.TempDir(), "weights")
	source := make([]byte, bytes)
	for i := range source {
		source[i] = byte(i * 7)
	}
	if err := os.WriteFile(path, source, 0o600); err != nil {
		b.Fatal(err)
	}
	dst := make([]float32, stretch)
	for _, d := range []*model.DType{model.F32, model.BF16} {
		n := bytes / d.Bytes
		room := make([]byte, stretch*d.Bytes)
		read := func(t *model.Tensor) {
			for at := 0; at < n; at += stretch {
				if err := t.Read(dst, at); err != nil {
					b.Fatal(err)
				}
			}
		}
		for _, again := range []bool{false, true} {
			name := d.Name + "/first"
			if again {
				name = d.Name + "/again"
			}
			b.Run(name, func(b *testing.B) {
				b.SetBytes(bytes)
				var reading, copying time.Duration
				for b.Loop() {
					f, err := model.OpenFile(path)
					if err != nil {
						b.Fatal(err)
					}
					t, err := model.NewTensor("t", d, []int{n}, f, 0)
					if err != nil {
						b.Fatal(err)
					}
					if again {
						read(t)
					}
					start := time.Now()
					read(t)
					reading += time.Since(start)
					start = time.Now()
					for at := 0; at < bytes; at += len(room) {
						copy(room, source[at:])
					}
					copying += time.Since(start)
					if err := f.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(b.N)*bytes/reading.Seconds()/1e9, "GB/s")
				b.ReportMetric(copying.Seconds()/reading.Seconds(), "of-memcpy")
			})
		}
	}
}
