package export

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/bitdial/bitdial/quant/model"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli) // which processors compute

// verify reads the file f, which will be called path, and compares its tensors with
// those that were written and their checksums.
func verify(ctx context.Context, path string, f *model.File, o output, tensors []Packed, sums []uint32, report func(int64)) error {
	failed := func(format string, args ...any) error {
		return fmt.Errorf("%s: read back, "+format+"; the file is not kept, and its disk or memory is not to be trusted", append([]any{path}, args...)...)
	}
	m, err := o.open(f)
	if err != nil {
		return failed("it cannot be opened: %w", err)
	}
	byName := map[string]*model.Tensor{}
	for _, t := range m.Tensors {
		byName[t.Name] = t
	}
	if len(m.Tensors) != len(tensors) {
		return failed("it has %d tensors instead of %d", len(m.Tensors), len(tensors))
	}
	for i := range tensors {
		p := &tensors[i]
		t := byName[p.Name]
		if t == nil || t.DType != p.As || !slices.Equal(t.Shape, p.Shape) {
			return failed("tensor %q is not there as it was written", p.Name)
		}
		sum := crc32.New(castagnoli)
		if err := raw(ctx, t, sum, report); err != nil {
			return err
		}
		if got := sum.Sum32(); got != sums[i] {
			return failed("tensor %q has the checksum %08x instead of %08x", p.Name, got, sums[i])
		}
	}
	return nil
}
