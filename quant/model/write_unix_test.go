//go:build unix

package model_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

func TestOverwritingThroughALinkKeepsTheLinkAndThePermissions(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	target, link := filepath.Join(elsewhere, "target"), filepath.Join(folder, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := model.WriteFile(link, true, saying("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, elsewhere, "target", "new")
	info, err := os.Lstat(link)
	if err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v (%v)", info, err)
	}
	if info, err = os.Stat(link); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the permissions became %v (%v)", info, err)
	}
}

func TestAModelCanBeOverwrittenWhileItIsRead(t *testing.T) {
	tensor := stored(t, model.F32, 1000, 0)
	if err := model.WriteFile(tensorFile(t, tensor), true, saying("short")); err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 1000)
	if err := tensor.Read(dst, 0); err != nil || dst[999] != 999 {
		t.Errorf("the last weight is %v (%v)", dst[999], err)
	}
}
