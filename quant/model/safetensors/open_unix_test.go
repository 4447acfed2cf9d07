//go:build unix

package safetensors

import (
	"os"
	"path/filepath"
	"testing"
)

// On Windows a file without content takes its room on the disk all the same,
// and links take a privilege.

func TestAFileOfAHundredGigabytesOpensAndIsReadAnywhere(t *testing.T) {
	header, data := layers(700, 143_000_000)
	m, err := Open(sparse(t, header, data))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Tensors) != 700 || m.Bytes() != data || m.Name != "big" {
		t.Errorf("%s has %d tensors of %d bytes", m.Name, len(m.Tensors), m.Bytes())
	}
	last := m.Tensors[699]
	if err := last.Read(make([]float32, 1000), last.Len()-1000); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestShardsMayBeLinksIntoADownloadCache(t *testing.T) {
	cache := folder(t, map[string]string{"blobs/4f2a": shard("a"), "snapshot/" + index: `{"weight_map":{"a":"1.safetensors"}}`})
	snapshot := filepath.Join(cache, "snapshot")
	if err := os.Symlink("../blobs/4f2a", filepath.Join(snapshot, "1.safetensors")); err != nil {
		t.Fatal(err)
	}
	m, err := Open(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, m)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
