package safetensors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
)

// folder makes a folder of files.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	path := t.TempDir()
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(path, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// shard returns a file that holds tensors of these names.
func shard(names ...string) string {
	var all []string
	for i, name := range names {
		all = append(all, described(name, "U8", "[1]", fmt.Sprintf("[%d,%d]", i, i+1)))
	}
	return string(image(tensors(all...), len(names)))
}

const index = "model.safetensors.index.json"

func TestAFolderIsOpenedByItsIndexThenByNameThenWhole(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  []string
	}{
		{map[string]string{"x.safetensors": shard("x"), "model.safetensors": shard("m"), index: `{"weight_map":{"x":"x.safetensors"}}`}, []string{"x"}},
		{map[string]string{"x.safetensors": shard("x"), "model.safetensors": shard("m")}, []string{"m"}},
		{map[string]string{"b.safetensors": shard("b"), "a.safetensors": shard("a2", "a1"), "notes.txt": ""}, []string{"a2", "a1", "b"}},
		{map[string]string{"only.safetensors": shard("o"), ".hidden.safetensors": "rubbish"}, []string{"o"}},
		{map[string]string{"other." + indexEnd: `{"weight_map":{"y":"sub/y.safetensors"}}`, "sub/y.safetensors": shard("y")}, []string{"y"}},
	} {
		path := folder(t, c.files)
		m, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for _, w := range m.Tensors {
			got = append(got, w.Name)
		}
		if !slices.Equal(got, c.want) || m.Name != filepath.Base(path) {
			t.Errorf("%s holds %v, want %v", m.Name, got, c.want)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryLieOfAnIndexIsNamed(t *testing.T) {
	files := map[string]string{"1.safetensors": shard("a", "b"), "2.safetensors": shard("c"), "3.safetensors": shard("c")}
	for _, c := range []struct{ lie, index, rule string }{
		{"no JSON", `rubbish`, ruleIndex},
		{"nothing", ``, ruleIndex},
		{"a list", `[]`, ruleIndex},
		{"no weight_map", `{"metadata":{"total_size":3}}`, ruleIndex},
		{"a list for a weight_map", `{"weight_map":[]}`, ruleWeightMap},
		{"a number for a shard", `{"weight_map":{"a":1}}`, ruleWeightMap},
		{"an empty weight_map", `{"weight_map":{}}`, ruleEmptyMap},
		{"two weight_maps", `{"weight_map":{"a":"1.safetensors"},"weight_map":{}}`, ruleDuplicate},
		{"a tensor twice", `{"weight_map":{"a":"1.safetensors","a":"1.safetensors"}}`, ruleDuplicate},
		{"a missing shard", `{"weight_map":{"a":"1.safetensors","z":"26.safetensors"}}`, ruleShardMissing},
		{"a tensor that is not in its shard", `{"weight_map":{"z":"1.safetensors"}}`, ruleNotInShard},
		{"a tensor that is in another shard", `{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}`, ruleNotInShard},
		{"a tensor in two shards", `{"weight_map":{"a":"1.safetensors","c":"2.safetensors","b":"3.safetensors"}}`, ruleTwice},
		{"a shard outside", `{"weight_map":{"a":"../1.safetensors"}}`, ruleEscape},
		{"a shard outside by a detour", `{"weight_map":{"a":"x/../../1.safetensors"}}`, ruleEscape},
		{"an absolute shard", `{"weight_map":{"a":"/etc/passwd"}}`, ruleEscape},
		{"a shard of another system", `{"weight_map":{"a":"..\\1.safetensors"}}`, ruleEscape},
		{"no shard", `{"weight_map":{"a":""}}`, ruleEscape},
		{"a name that moves the cursor", `{"weight_map":{"\u001b[2J":"1.safetensors"}}`, "a name must not contain control characters"},
		{"something after it", `{"weight_map":{"a":"1.safetensors"}}x`, ruleAfter},
		{"depth", `{"metadata":` + strings.Repeat("[", 1000), ruleDepth},
	} {
		files[index] = c.index
		m, err := Open(folder(t, files))
		var broken *model.Error
		if m != nil || !errors.As(err, &broken) || broken.Rule != c.rule {
			t.Errorf("%s: %v\nwant the rule %q", c.lie, err, c.rule)
		}
	}
}

func TestAMissingShardIsCalledByItsName(t *testing.T) {
	_, err := Open(folder(t, map[string]string{index: `{"weight_map":{"a":"model-00002-of-00002.safetensors"}}`}))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), `"model-00002-of-00002.safetensors"`) {
		t.Errorf("got %v", err)
	}
}

func TestFoldersThatCannotBeOpenedSayWhy(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		rule  string
	}{
		{map[string]string{"notes.txt": ""}, ruleNoFile},
		{map[string]string{"a." + indexEnd: "{}", "b." + indexEnd: "{}"}, ruleManyIndexes},
		{map[string]string{"a.safetensors": shard("x"), "b.safetensors": shard("x")}, ruleTwice},
		{map[string]string{"a.safetensors": shard("x"), "b.safetensors": "rubbish"}, ruleNoLength},
	} {
		m, err := Open(folder(t, c.files))
		var broken *model.Error
		if m != nil || !errors.As(err, &broken) || broken.Rule != c.rule {
			t.Errorf("got %v, want the rule %q", err, c.rule)
		}
	}
}

// FuzzIndex holds the reader of indexes to its promise for any bytes: an
// error, or places whose shards lie in the folder.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":3},"weight_map":{"a":"1.safetensors","b":"1.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"\ud83d\udc08":"sub/../x"}}`))
	f.Add([]byte(`{"weight_map":{}}`))
	f.Add([]byte(``))
	here := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		places, err := parseIndex("fuzz", b)
		if err != nil {
			_ = err.Error()
			return
		}
		if len(places) == 0 {
			t.Error("an index of nothing")
		}
		for _, p := range places {
			path, err := shardPath("fuzz", here, p)
			if err == nil && path != here && !strings.HasPrefix(path, here+string(filepath.Separator)) {
				t.Errorf("%q leads to %q", p.shard, path)
			}
		}
	})
}
