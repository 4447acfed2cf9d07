package imatrix

import (
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
)

const (
	sumsSuffix   = ".in_sum2"
	countsSuffix = ".counts"
	chunksKey    = "imatrix.chunk_count"
)

// parseGGUF reads the present form.
func (m *Matrix) parseGGUF() error {
	file, err := gguf.FromFile(m.file)
	if err != nil {
		return err
	}
	for _, kv := range file.Metadata {
		if kv.Key == chunksKey {
			m.Chunks, _ = strconv.Atoi(kv.Value) // it is only shown
		}
	}
	for _, t := range file.Tensors {
		if name, ok := strings.CutSuffix(t.Name, sumsSuffix); ok {
			e := m.entries[name]
			e.sums = t
			m.entries[name] = e
		} else if name, ok := strings.CutSuffix(t.Name, countsSuffix); ok {
			e := m.entries[name]
			e.counts = t
			m.entries[name] = e
		}
	}
	if n := len(m.entries); n < 1 || n > maxEntries {
		return m.fail(ruleEntries, "%d tensors with sums of squares", n)
	}
	for name, e := range m.entries {
		switch {
		case e.sums == nil || e.counts == nil || e.sums.DType != model.F32 || e.counts.DType != model.F32:
			return m.fail(rulePair, "%q", name)
		case name == "":
			return m.fail(ruleName, "%q", sumsSuffix)
		case e.sums.Len() == 0 || e.counts.Len() == 0:
			return m.fail(ruleValues, "%q", name)
		case e.sums.Len()%e.counts.Len() != 0:
			return m.fail(ruleCounts, "%q has %d sums and %d counts", name, e.sums.Len(), e.counts.Len())
		}
	}
	return nil
}
