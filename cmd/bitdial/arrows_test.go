package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type room struct {
	folder string
	rooms  []string
	closed []string
}

// rooms are the packages of the program by folder, and what each may import: other
// rooms, in which a trailing slash includes what is below, and of the standard
// library everything but what is listed as closed.
var rooms = []room{
	{"kernels", nil, []string{"os", "io", "net", "context", "path/filepath", "time"}},
	{"quant/model", []string{"kernels"}, nil},
	{"quant/model/archive", []string{"quant/model"}, nil},
	{"quant/model/gguf", []string{"quant/model"}, nil},
	{"quant/model/modeltest", []string{"quant/model"}, nil},
	{"quant/model/npy", []string{"quant/model", "quant/model/archive"}, nil},
	{"quant/model/onnx", []string{"kernels", "quant/model"}, nil},
	{"quant/model/llama2c", []string{"quant/model"}, nil},
	{"quant/model/quantized", []string{"kernels", "quant/model"}, nil},
	{"quant/model/safetensors", []string{"kernels", "quant/model", "quant/model/quantized"}, nil},
	{"quant/model/torch", []string{"quant/model", "quant/model/archive", "quant/model/quantized"}, nil},
	{"quant/model/imatrix", []string{"quant/model", "quant/model/gguf"}, nil},
	{"quant/model/files", []string{"quant/model", "quant/model/"}, nil},
	{"quant/model/names", nil, []string{"os", "io", "net", "context"}},
	{"quant/knapsack", nil, []string{"os", "io", "net", "context"}},
	{"quant", []string{"kernels", "quant/knapsack", "quant/model", "quant/model/names"}, nil},
	{"quant/export", []string{"kernels", "quant", "quant/model", "quant/model/"}, nil},
	{"quant/export/report", []string{"quant", "quant/model"}, nil},
	{"quant/net", []string{"kernels", "quant", "quant/model", "quant/model/"}, nil},
	{"samples", []string{"quant/model", "quant/model/", "quant/net"}, nil},
	{"samples/train", []string{"quant", "quant/model", "quant/net", "samples"}, nil},
	{"tui", []string{"kernels", "quant", "quant/export", "quant/model", "quant/model/imatrix", "quant/net"}, nil},
	{"cmd/bitdial", []string{"kernels", "quant", "quant/", "samples", "tui"}, nil},
}

const modulePath = "github.com/bitdial/bitdial/"

// TestArrowsPointOneWay holds the imports between packages.
func TestArrowsPointOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), "_") || strings.HasPrefix(d.Name(), ".") && name != root || d.Name() == "testdata"):
			return fs.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		relative, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(relative)
		seen[folder] = true
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rooms, func(r room) bool { return r.folder == folder })
		if i < 0 {
			t.Errorf("%s is no room: add it to the table, and to ARCHITECTURE.md", folder)
			return nil
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			other, ours := strings.CutPrefix(imported, modulePath)
			allowed := !slices.Contains(rooms[i].closed, imported)
			if ours {
				allowed = slices.ContainsFunc(rooms[i].rooms, func(r string) bool {
					return r == other || strings.HasSuffix(r, "/") && strings.HasPrefix(other, r)
				})
			}
			if !allowed {
				t.Errorf("%s imports %s", path.Join(folder, filepath.Base(name)), imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		if !seen[r.folder] {
			t.Errorf("the room %s is empty", r.folder)
		}
	}
}

// TestTheTopLevelIsTidy holds the list of what stands at the top.
func TestTheTopLevelIsTidy(t *testing.T) {
	known := []string{"cmd", "kernels", "quant", "samples", "tui", "go.mod", "go.sum", "README.md", "ARCHITECTURE.md", "LICENSE"}
	found, err := filepath.Glob(filepath.Join("..", "..", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		if base := filepath.Base(name); !strings.HasPrefix(base, ".") && !slices.Contains(known, base) {
			t.Errorf("%s stands at the top level", base)
		}
	}
}
