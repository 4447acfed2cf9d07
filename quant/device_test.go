package quant

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adrg/xdg"

	"github.com/bitdial/bitdial/quant/model"
)

// Llama 3 8B: 128 KiB a token, as every calculator has it.
func TestKeysAndValuesOfLlama3(t *testing.T) {
	m := llama8B(t)
	m.Metadata = append(m.Metadata,
		model.KeyValue{Key: "llama.embedding_length", Value: "4096"},
		model.KeyValue{Key: "llama.context_length", Value: "8192"},
		model.KeyValue{Key: "tokenizer.ggml.tokens", Type: "[]string", Items: 128256})
	f := FactsOf(m)
	if f.Unknown != "" || f.CacheBytes(8192) != 1<<30 || f.Context != 8192 {
		t.Fatalf("%+v: %d bytes for 8192 tokens, want 1 GiB", f, f.CacheBytes(8192))
	}
	room := Device{"8 GB GPU", 8 << 30, 1 << 30}.Budget(f, 8192)
	if buffers := int64(4 * 512 * 128256); room.Weights != 6<<30-buffers || room.Buffers != buffers {
		t.Errorf("%+v", room)
	}
	for _, part := range []string{"8 GB GPU, 1 GiB of it reserved", "1 GiB for keys and values of 8192 tokens as f16 in 32 layers", "250 MiB for buffers"} {
		if !strings.Contains(room.Assumed, part) {
			t.Errorf("%q does not say %q", room.Assumed, part)
		}
	}
}

func TestFactsComeFromAConfigBeside(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"text_config": {"num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2, "hidden_size": 512, "vocab_size": 1000}, "vocab_size": 5}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "model.safetensors")} {
		f := FactsOf(&model.Model{Path: path})
		if want := (Facts{Layers: 2, KeyHeads: 2, KeyLength: 64, ValueLen: 64, Embedding: 512, Vocabulary: 1000}); f != want {
			t.Errorf("%+v, want %+v", f, want)
		}
	}
	if f := FactsOf(&model.Model{Path: filepath.Join(dir, "sub", "x")}); f.Unknown == "" || f.CacheBytes(1000) != 0 {
		t.Errorf("%+v of nothing", f)
	}
}

// Whatever a file and a command line say, what does not fit does not seem to.
func TestKeysAndValuesBeyondAllMemoryLeaveNoRoom(t *testing.T) {
	for _, f := range []Facts{
		{Layers: maxFact, KeyHeads: maxFact, KeyLength: maxFact, ValueLen: maxFact},
		{Layers: 32, KeyHeads: 8, KeyLength: 128, ValueLen: 128},
	} {
		if room := (Device{"big", 1 << 61, 0}).Budget(f, math.MaxInt); room.Weights >= 0 {
			t.Errorf("%+v leaves %d bytes", f, room.Weights)
		}
	}
}

func TestUsersNameDevices(t *testing.T) {
	old := xdg.ConfigHome
	xdg.ConfigHome = t.TempDir()
	t.Cleanup(func() { xdg.ConfigHome = old })
	list, err := Devices()
	if err != nil || DeviceOf(list, "24gb-gpu") == nil {
		t.Fatal(list, err)
	}
	path := DevicesPath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, wrong string }{
		{"[[device]]\nname = 'robot'\nmemory = '1GiB'\nreserved = '24MiB'\n[[device]]\nname = '24 GB GPU'\nmemory = '24GB'\n", ""},
		{"[[device]]\nname = 'robot'\nmemory = 'much'\n", "memory \"much\" is not a number of bytes"},
		{"[[device]]\nname = 'robot'\nmemory = '1GB'\nreserved = '2GB'\n", "no more than its memory"},
		{"[[gadget]]\nname = 'robot'\n", "not a list of [[device]]"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := Devices()
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), path) {
				t.Errorf("%q: %v, want %q", c.text, err, c.wrong)
			}
			continue
		}
		if err != nil || list[0] != (Device{"robot", 1 << 30, 24 << 20}) || DeviceOf(list, "24 GB GPU").Memory != 24e9 || len(list) != len(devices)+1 {
			t.Errorf("%v, %v", list, err)
		}
	}
}

func TestBytesAreRead(t *testing.T) {
	for text, want := range map[string]int64{"6GiB": 6 << 30, "123456B": 123456, "1.5 kB": 1500, "2M": 2 << 20, "7": -1, "x": -1, "-1B": -1, "NaNB": -1, "1e30TB": -1, "": -1} {
		got, err := ParseBytes(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}
