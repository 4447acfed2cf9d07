//go:build unix

package files

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
)

// put is what a folder has under a name: a file of this content or, by its first
// word, something else.
type put struct{ name, content string }

const (
	pipe   = "\x00pipe"
	folder = "\x00folder"
	link   = "\x00link " // and where to
)

// placedAll makes a folder of things.
func placedAll(t *testing.T, things []put) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range things {
		path := filepath.Join(dir, p.name)
		var err error
		switch to, linked := strings.CutPrefix(p.content, link); {
		case linked:
			err = os.Symlink(to, path)
		case p.content == pipe:
			err = syscall.Mkfifo(path, 0o600)
		case p.content == folder:
			err = os.Mkdir(path, 0o700)
		default:
			err = os.WriteFile(path, []byte(p.content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// beside returns a network whose weight is in a file of that name.
func beside(location string) string {
	part := func(number protowire.Number, content string) string {
		return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content))
	}
	entry := part(13, part(1, "location")+part(2, location))
	return "\x08\x08" + part(7, part(5, "\x08\x01\x10\x01"+part(8, "w")+entry+"\x70\x01"))
}

// splitFile is the first file of a split model of two.
func splitFile() string {
	b := []byte("GGUF\x03\x00\x00\x00")
	b = binary.LittleEndian.AppendUint64(b, 0)
	b = binary.LittleEndian.AppendUint64(b, 2)
	for i, key := range []string{"split.no", "split.count"} {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(key)))
		b = append(b, key...)
		b = append(b, 2, 0, 0, 0, byte(2*i), 0)
	}
	return string(b)
}

// TestWhatIsNoModelIsRefusedAtOnce tries what stands where a model should: nothing
// of it may be waited for, followed out of its folder, or believed.
func TestWhatIsNoModelIsRefusedAtOnce(t *testing.T) {
	const index = "model.safetensors.index.json"
	naming := func(shard string) []put { return []put{{index, `{"weight_map":{"w":"` + shard + `"}}`}} }
	for _, c := range []struct {
		lie    string
		things []put
		open   string // in the folder, empty: the folder
	}{
		{"an empty folder", nil, ""},
		{"nothing there", nil, "model.gguf"},
		{"a pipe", []put{{"model.gguf", pipe}}, "model.gguf"},
		{"a pipe in a folder", []put{{"model.safetensors", pipe}}, ""},
		{"a pipe for a GGUF in a folder", []put{{"model.gguf", pipe}}, ""},
		{"a folder called as a file", []put{{"model.safetensors", folder}}, "model.safetensors"},
		{"a folder called as a file, in a folder", []put{{"model.gguf", folder}}, ""},
		{"a link to itself", []put{{"model.gguf", link + "model.gguf"}}, "model.gguf"},
		{"a link to nothing", []put{{"model.gguf", link + "gone"}}, "model.gguf"},
		{"a link to nothing in a folder", []put{{"model.safetensors", link + "gone"}}, ""},
		{"a link to a device", []put{{"model.safetensors", link + "/dev/zero"}}, "model.safetensors"},
		{"a link to a device in a folder", []put{{"model.safetensors", link + "/dev/zero"}}, ""},
		{"a link to a folder in a folder", []put{{"model.safetensors", link + "/"}}, ""},
		{"an empty safetensors file", []put{{"m.safetensors", ""}}, "m.safetensors"},
		{"an empty GGUF file", []put{{"m.gguf", ""}}, "m.gguf"},
		{"an empty array", []put{{"m.npy", ""}}, "m.npy"},
		{"an empty archive", []put{{"m.npz", ""}}, "m.npz"},
		{"an empty network", []put{{"m.onnx", ""}}, "m.onnx"},
		{"an empty checkpoint", []put{{"m.pt", ""}}, "m.pt"},
		{"an empty file of any kind", []put{{"m.bin", ""}}, "m.bin"},
		{"zeros", []put{{"m.bin", strings.Repeat("\x00", 4096)}}, "m.bin"},
		{"a page of the web", []put{{"m.safetensors", "<!DOCTYPE html><html>"}}, "m.safetensors"},
		{"a pointer of Git LFS", []put{{"m.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"}}, "m.gguf"},
		{"a name for the terminal", []put{{"\x1b[2J\u202e.gguf", "GG"}}, "\x1b[2J\u202e.gguf"},

		{"a config that is a pipe", []put{{"model.safetensors", file}, {"config.json", pipe}}, ""},
		{"a config that is a folder", []put{{"model.safetensors", file}, {"config.json", folder}}, ""},
		{"a config that is a device", []put{{"model.safetensors", file}, {"config.json", link + "/dev/zero"}}, ""},
		{"a config that is a model", []put{{"model.safetensors", file}, {"config.json", file}}, ""},

		{"an index that is a pipe", []put{{index, pipe}}, ""},
		{"an index that is a folder", []put{{index, folder}}, index},
		{"a shard above", naming("../model.safetensors"), ""},
		{"a shard above, later", naming("a/../../model.safetensors"), ""},
		{"a shard from the root", naming("/etc/hostname"), ""},
		{"a shard of Windows", naming(`C:\\\\model.safetensors`), ""},
		{"a shard without a name", naming(""), ""},
		{"a shard that is the folder", naming("."), ""},
		{"a shard that ends in zero", naming(`m\u0000.safetensors`), ""},
		{"the index as a shard", naming(index), ""},
		{"a config as a shard", append(naming("config.json"), put{"config.json", "{}"}), ""},
		{"a shard that is a pipe", append(naming("m.safetensors"), put{"m.safetensors", pipe}), ""},
		{"a shard that is a folder", append(naming("m"), put{"m", folder}), ""},
		{"a shard that is a device", append(naming("m.safetensors"), put{"m.safetensors", link + "/dev/zero"}), ""},
		{"a shard that is not there", naming("m.safetensors"), ""},
		{"a shard without the tensor", []put{{index, `{"weight_map":{"w":"m.safetensors","v":"m.safetensors"}}`}, {"m.safetensors", file}}, ""},
		{"two indexes", []put{{"a." + index[6:], "{}"}, {"b." + index[6:], "{}"}}, ""},

		{"a part that is a pipe", []put{{"m-00001-of-00002.gguf", splitFile()}, {"m-00002-of-00002.gguf", pipe}}, ""},
		{"a part that is a folder", []put{{"m-00001-of-00002.gguf", splitFile()}, {"m-00002-of-00002.gguf", folder}}, ""},
		{"a part of another format", []put{{"m-00001-of-00002.gguf", splitFile()}, {"m-00002-of-00002.gguf", file}}, ""},
		{"a part that is the first", []put{{"m-00001-of-00002.gguf", splitFile()}, {"m-00002-of-00002.gguf", link + "m-00001-of-00002.gguf"}}, ""},
		{"a part that is missing", []put{{"m-00001-of-00002.gguf", splitFile()}}, ""},

		{"weights above", []put{{"m.onnx", beside("../weights")}}, "m.onnx"},
		{"weights from the root", []put{{"m.onnx", beside("/dev/zero")}}, "m.onnx"},
		{"weights that are a pipe", []put{{"m.onnx", beside("weights")}, {"weights", pipe}}, "m.onnx"},
		{"weights that are a folder", []put{{"m.onnx", beside("weights")}, {"weights", folder}}, "m.onnx"},
		{"weights that are the folder", []put{{"m.onnx", beside(".")}}, "m.onnx"},
		{"weights that are a device", []put{{"m.onnx", beside("weights")}, {"weights", link + "/dev/zero"}}, "m.onnx"},
		{"weights that are too short", []put{{"m.onnx", beside("weights")}, {"weights", "abc"}}, "m.onnx"},
		{"weights that are missing", []put{{"m.onnx", beside("weights")}}, "m.onnx"},
	} {
		path := filepath.Join(placedAll(t, c.things), c.open)
		begin := time.Now()
		m, err := Open(path)
		if spent := time.Since(begin); spent > 10*time.Second {
			t.Errorf("%s: it took %v", c.lie, spent)
		}
		var broken *model.Error
		if m != nil || !errors.As(err, &broken) || broken.File == "" || broken.Rule == "" && broken.Err == nil {
			t.Errorf("%s: opened (%v)", c.lie, err)
			continue
		}
		if strings.ContainsFunc(err.Error(), unicode.IsControl) || strings.Contains(err.Error(), "\u202e") {
			t.Errorf("%s: the error itself moves the cursor: %q", c.lie, err)
		}
	}
}
