package model_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

func saying(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// holds fails unless folder holds exactly one file, name, saying want; nothing
// at all if name is "".
func holds(t *testing.T, folder, name, want string) {
	t.Helper()
	items, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if name == "" && len(items) == 0 {
		return
	}
	if len(items) != 1 || items[0].Name() != name {
		t.Fatalf("the folder holds %v", items)
	}
	got, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil || string(got) != want {
		t.Errorf("the file holds %q (%v), want %q", got, err, want)
	}
}

func TestAFileIsWritten(t *testing.T) {
	folder := t.TempDir()
	if err := model.WriteFile(filepath.Join(folder, "out"), false, saying("hello")); err != nil {
		t.Fatal(err)
	}
	holds(t, folder, "out", "hello")
}

func TestAnExistingFileIsKeptWithoutForce(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "out")
	if err := model.WriteFile(path, true, saying("old")); err != nil {
		t.Fatal(err)
	}
	err := model.WriteFile(path, false, func(io.Writer) error {
		t.Error("the work was done for nothing")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("got %v", err)
	}
	holds(t, folder, "out", "old")
	if err := model.WriteFile(path, true, saying("new")); err != nil {
		t.Error(err)
	}
	holds(t, folder, "out", "new")
}

func TestAFailedWriteLeavesNothingBehind(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := model.WriteFile(filepath.Join(folder, "out"), false, func(w io.Writer) error {
		if err := saying(strings.Repeat("half ", 1<<20))(w); err != nil {
			return err
		}
		return ctx.Err()
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	holds(t, folder, "", "")
}

func TestAFailedOverwriteKeepsTheOldFile(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "out")
	if err := model.WriteFile(path, false, saying("old")); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("failure")
	if err := model.WriteFile(path, true, func(io.Writer) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	holds(t, folder, "out", "old")
}

func TestOfTwoWritersOneWins(t *testing.T) {
	folder := t.TempDir()
	var won atomic.Int32
	var together, done sync.WaitGroup
	together.Add(8)
	for range 8 {
		done.Go(func() {
			err := model.WriteFile(filepath.Join(folder, "out"), false, func(w io.Writer) error {
				together.Done()
				together.Wait() // every writer has seen that the file is not there
				return saying("mine")(w)
			})
			if err == nil {
				won.Add(1)
			} else if !strings.Contains(err.Error(), "--force") {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers think that they wrote the file", won.Load())
	}
	holds(t, folder, "out", "mine")
}

func TestOnlyARegularFileIsOverwritten(t *testing.T) {
	folder := t.TempDir()
	if err := model.WriteFile(folder, true, saying("x")); err == nil {
		t.Error("a folder was overwritten")
	}
	err := model.WriteFile(filepath.Join(folder, "missing", "out"), false, saying("x"))
	if err == nil || strings.Contains(err.Error(), ".part") {
		t.Errorf("a missing folder: %v", err)
	}
	holds(t, folder, "", "")
}
