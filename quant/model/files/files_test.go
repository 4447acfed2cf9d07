package files

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// placed writes content to a file called name and returns its path.
func placed(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const header = `{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`

var file = string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + "\x00\x00\x80\x3f"

// ggufFile is a GGUF file of one F32.
const ggufFile = "GGUF\x03\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x01\x00\x00\x00\x00\x00\x00\x00w" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x80\x3f"

func TestAModelIsRecognisedWhateverItIsCalled(t *testing.T) {
	index := placed(t, "model.safetensors.index.json", `{"weight_map":{"w":"shard.safetensors"}}`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(index), "shard.safetensors"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		placed(t, "model.safetensors", file),
		placed(t, "download.tmp", file),
		index,
		filepath.Dir(index),
		placed(t, "model.gguf", ggufFile),
		placed(t, "blob", ggufFile),
		filepath.Dir(placed(t, "in-a-folder.gguf", ggufFile)),
	} {
		m, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(m.Tensors) != 1 || m.Path != path {
			t.Errorf("%s: %d tensors", m.Path, len(m.Tensors))
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsNoModelIsToldWhatWouldBe(t *testing.T) {
	var reads []string
	for _, r := range readers {
		reads = append(reads, r.reads)
	}
	for _, path := range []string{
		placed(t, "notes.txt", "milk, bread"),
		placed(t, "empty", ""),
		placed(t, "config.json", `{"weight_map":1}`),
		t.TempDir(),
		os.DevNull,
	} {
		_, err := Open(path)
		want := path + ": not a model that bitdial reads (" + strings.Join(reads, ", ") + ")"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestADamagedModelIsNotCalledSomethingElse(t *testing.T) {
	for _, name := range []string{"model.safetensors", "model.gguf"} {
		_, err := Open(placed(t, name, "rubbish"))
		if err == nil || strings.Contains(err.Error(), ruleUnknown) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAMissingFileIsOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing.safetensors")
	_, err := Open(path)
	var broken *model.Error
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &broken) || strings.Count(err.Error(), path) != 1 || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
