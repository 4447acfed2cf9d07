package quant

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// BenchmarkResultsAreRead reads lines of different tensors; a million are wanted in
// about a second.
func BenchmarkResultsAreRead(b *testing.B) {
	const tensors = 1000
	var file []byte
	lines := 0
	for _, text := range someSchemes {
		r := Result{Scheme: mustParse(b, text)}
		r.Figures = Figures{Bytes: 123456789, SQNRLo: 20.123456789, SQNRHi: 20.223456789}
		r.N, r.E2, r.X2, r.Y2, r.XY, r.MaxAbs = 234567890, 0.123456789, 12.3456789, 12.23456789, 12.2, 0.0123456
		for i := range tensors {
			r.Tensor = fmt.Sprintf("model.layers.%d.self_attn.q_proj.weight", i)
			binary.LittleEndian.PutUint64(r.Subject.Tensor[:], uint64(i)+1)
			file = r.AppendJSON(file)
			lines++
		}
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		r := reading{results: NewResults(), paths: []string{"file"}}
		if _, err := r.file(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
		if r.results.Len() != lines {
			b.Fatalf("%d results of %d", r.results.Len(), lines)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*lines), "µs/line")
}
