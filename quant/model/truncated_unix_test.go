//go:build unix

package model_test

import (
	"errors"
	"os"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// Windows does not let a mapped file be truncated.

func TestAFileTruncatedUnderfootIsAnErrorAndNotTheEnd(t *testing.T) {
	for _, d := range []*model.DType{model.F32, model.F16, model.BF16, model.F8E4M3, model.I64} {
		for _, left := range []int64{0, 1, 5000, 70_000} {
			const n = 100_000
			tensor := stored(t, d, n, 0)
			path := tensorFile(t, tensor)
			if err := os.Truncate(path, left); err != nil {
				t.Fatal(err)
			}
			err := tensor.Read(make([]float32, n), 0)
			var broken *model.Error
			if !errors.As(err, &broken) || broken.File != path || broken.Offset < 0 || broken.Rule == "" {
				t.Errorf("%s cut to %d: %v", d, left, err)
			}
			if err := tensor.ReadRaw(make([]byte, tensor.Bytes()), 0); err == nil {
				t.Errorf("%s cut to %d: raw bytes were invented", d, left)
			}
		}
	}
}

func TestWhatIsLeftOfATruncatedFileCanBeRead(t *testing.T) {
	tensor := stored(t, model.F32, 10_000, 0)
	if err := os.Truncate(tensorFile(t, tensor), 20_000); err != nil {
		t.Fatal(err)
	}
	if err := tensor.Read(make([]float32, 5000), 0); err != nil {
		t.Error(err)
	}
	if err := tensor.Read(make([]float32, 1), 5000); err == nil { // in a page that is still there
		t.Error("a weight was invented")
	}
}

// tensorFile returns the path of the file that tensor is stored in, which any
// of its errors names.
func tensorFile(t *testing.T, tensor *model.Tensor) string {
	t.Helper()
	var outside *model.Error
	if !errors.As(tensor.Read(nil, -1), &outside) {
		t.Fatal("a read before the tensor is no error")
	}
	return outside.File
}
