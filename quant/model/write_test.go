package model_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// several returns outputs in dir, of which the i-th does what comes with it before it
// writes "new".
func several(dir string, before ...func()) []model.Output {
	var list []model.Output
	for i, do := range before {
		list = append(list, model.Output{Path: filepath.Join(dir, string(rune('a'+i))), Write: func(w io.Writer) error {
			if do != nil {
				do()
			}
			_, err := w.Write([]byte("new"))
			return err
		}})
	}
	return list
}

// TestNamesGivenAreTakenBack lets the second of three files fail when it is to get its
// name, after the third has its own.
func TestNamesGivenAreTakenBack(t *testing.T) {
	for _, force := range []bool{false, true} {
		dir := t.TempDir()
		was := map[string]string{}
		if force {
			for _, name := range []string{"a", "b", "c"} {
				was[name] = "old"
				if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		taken := filepath.Join(dir, "b")
		outputs := several(dir, nil, func() {
			_ = os.Remove(taken) // where it is
			if err := os.MkdirAll(filepath.Join(taken, "x"), 0o700); err != nil {
				t.Error(err)
			}
		}, nil)
		if err := model.WriteFiles(outputs, force); err == nil {
			t.Error("a folder was overwritten")
		}
		if err := os.RemoveAll(taken); err != nil {
			t.Fatal(err)
		}
		delete(was, "b")
		items, err := os.ReadDir(dir)
		if err != nil || len(items) != len(was) {
			t.Fatalf("force %v: %v is left, %v", force, items, err)
		}
		for name, text := range was {
			if b, err := os.ReadFile(filepath.Join(dir, name)); string(b) != text || err != nil {
				t.Errorf("%s holds %q, %v", name, b, err)
			}
		}
		if err := model.WriteFiles(several(dir, nil, nil, nil), force); err != nil {
			t.Fatal(err)
		}
		if items, _ := os.ReadDir(dir); len(items) != 3 {
			t.Errorf("%v is left", items)
		}
	}
}

func TestWhatACheckRefusesIsNotKept(t *testing.T) {
	dir, bad := t.TempDir(), errors.New("bad")
	outputs := several(dir, nil, nil)
	outputs[1].Check = func(f *model.File) error {
		return f.View(0, f.Size(), func(b []byte) error {
			if string(b) != "new" {
				t.Errorf("%q is on the disk", b)
			}
			return bad
		})
	}
	if err := model.WriteFiles(outputs, false); !errors.Is(err, bad) {
		t.Error(err)
	}
	if items, err := os.ReadDir(dir); err != nil || len(items) > 0 {
		t.Errorf("%v is left, %v", items, err)
	}
}

// TestALargeFileIsWrittenInOrder writes more than waits in memory, in pieces of any
// length.
func TestALargeFileIsWrittenInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	want := make([]byte, 150<<20/2+11)
	for i := range want {
		want[i] = byte(i * 2654435761 >> 13)
	}
	err := model.WriteFile(path, false, func(w io.Writer) error {
		for at, n := 0, 1; at < len(want); n = n*7%3_000_017 + 1 {
			end := min(len(want), at+n)
			if k, err := w.Write(want[at:end]); err != nil || k != end-at {
				return fmt.Errorf("%d of %d: %w", k, end-at, err)
			}
			at = end
		}
		return nil
	})
	got, e := os.ReadFile(path)
	if err != nil || e != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, %v; %d bytes of %d", err, e, len(got), len(want))
	}
}
