package safetensors

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// openFolder opens the model that the folder at path holds.
func openFolder(path string) (*model.Model, error) {
	items, err := os.ReadDir(path)
	if err != nil {
		return nil, model.FileError(path, err)
	}
	var names []string // sorted, as ReadDir has it
	for _, item := range items {
		if !item.IsDir() {
			names = append(names, item.Name())
		}
	}
	files, indexes := candidates(names)
	files, indexes = usual(files, "model"+suffix), usual(indexes, "model."+indexEnd)
	switch {
	case len(indexes) > 1:
		return nil, &model.Error{
			File: path, Offset: model.NoOffset, Rule: ruleManyIndexes,
			Found: fmt.Sprintf("%q", indexes),
		}
	case len(indexes) == 1:
		return openIndex(path, filepath.Join(path, indexes[0]))
	case len(files) == 0:
		return nil, &model.Error{File: path, Offset: model.NoOffset, Rule: ruleNoFile}
	}
	for i := range files {
		files[i] = filepath.Join(path, files[i])
	}
	m, _, err := join(path, path, files)
	if err != nil {
		return nil, err
	}
	return withConfig(m, path)
}

// withConfig returns m with what the config of its folder says, and closes m on
// error.
func withConfig(m *model.Model, folder string) (*model.Model, error) {
	c, err := configOf(folder)
	if err != nil {
		_ = m.Close() // the files were only read
		return nil, err
	}
	c.describe(m)
	return m, nil
}

// candidates returns the safetensors files and the indexes among names. Hidden
// files are other programs' notes.
func candidates(names []string) (files, indexes []string) {
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, "."):
		case strings.HasSuffix(name, suffix):
			files = append(files, name)
		case strings.HasSuffix(name, indexEnd):
			indexes = append(indexes, name)
		}
	}
	return files, indexes
}

// usual returns name alone if it is among names, all of names otherwise.
func usual(names []string, name string) []string {
	if slices.Contains(names, name) {
		return []string{name}
	}
	return names
}

// join opens the files at paths as one model, opened as path and called after
// their folder, and returns the path of the file that holds each tensor.
func join(path, folder string, paths []string) (m *model.Model, owner map[string]string, err error) {
	m = &model.Model{Name: folderName(folder), Path: path, Format: format}
	defer func() {
		if err != nil {
			_ = m.Close() // the files were only read
			m = nil
		}
	}()
	owner = map[string]string{}
	described := map[string]bool{}
	for _, p := range paths {
		f, err := model.OpenFile(p)
		if err != nil {
			return m, nil, err
		}
		m.Files = append(m.Files, f)
		tensors, metadata, err := read(f)
		if err != nil {
			return m, nil, err
		}
		for _, t := range tensors {
			if other, twice := owner[t.Name]; twice {
				return m, nil, &model.Error{
					File: p, Offset: model.NoOffset, Rule: ruleTwice,
					Found: fmt.Sprintf("tensor %q is in %q too", t.Name, filepath.Base(other)),
				}
			}
			owner[t.Name] = p
		}
		m.Tensors = append(m.Tensors, tensors...)
		for _, kv := range metadata { // the shards of a model repeat it
			if !described[kv.Key] {
				described[kv.Key] = true
				m.Metadata = append(m.Metadata, kv)
			}
		}
	}
	return m, owner, nil
}

// folderName returns the name of the folder at path, also when path is ".".
func folderName(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return filepath.Base(path)
}

// place is where an index says that a tensor is.
type place struct {
	tensor, shard string
	at            int64 // of the statement in the index
}

// openIndex opens the shards that index names as the model at path, which is
// the index itself or its folder.
func openIndex(path, index string) (*model.Model, error) {
	places, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(index)
	shards := map[string]string{} // as the index writes them: their paths
	for _, p := range places {
		if _, known := shards[p.shard]; known {
			continue
		}
		shard, err := shardPath(index, folder, p)
		if err != nil {
			return nil, err
		}
		shards[p.shard] = shard
	}
	m, owner, err := join(path, folder, slices.Compact(slices.Sorted(maps.Values(shards))))
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if owner[p.tensor] != shards[p.shard] {
			_ = m.Close() // the files were only read
			return nil, &model.Error{
				File: index, Offset: p.at, Rule: ruleNotInShard,
				Found: fmt.Sprintf("tensor %q in %q", p.tensor, p.shard),
			}
		}
	}
	return withConfig(m, folder)
}

// shardPath returns the path of the shard that index names in p. It stays in the index's folder, though a link there may point elsewhere, as
// download caches have it.
func shardPath(index, folder string, p place) (string, error) {
	broken := &model.Error{File: index, Offset: p.at, Found: fmt.Sprintf("%q", p.shard)}
	local := filepath.FromSlash(p.shard)
	if !filepath.IsLocal(local) || strings.ContainsAny(p.shard, "\\\x00") {
		broken.Rule = ruleEscape
		return "", broken
	}
	shard := filepath.Join(folder, local)
	if _, err := os.Stat(shard); errors.Is(err, fs.ErrNotExist) {
		broken.Rule, broken.Err = ruleShardMissing, fs.ErrNotExist
		return "", broken
	}
	return shard, nil
}

// readIndex reads the weight_map of the index at path.
func readIndex(path string) ([]place, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	if f.Size() > maxHeader {
		return nil, &model.Error{
			File: path, Offset: model.NoOffset, Rule: ruleIndexLong,
			Found: fmt.Sprintf("%d bytes, at most %d", f.Size(), maxHeader),
		}
	}
	var places []place
	err = f.View(0, f.Size(), func(b []byte) (err error) {
		places, err = parseIndex(path, b)
		return err
	})
	return places, err
}

// parseIndex reads the JSON b of the index called file. Of b it keeps nothing.
func parseIndex(file string, b []byte) ([]place, error) {
	s := &scanner{file: file, b: b}
	var places []place
	mapped := false
	err := s.object(ruleIndex, func(key []byte, at int) (err error) {
		if string(key) != "weight_map" {
			return s.skip(maxDepth)
		}
		if mapped {
			return s.fail(at, ruleDuplicate, "weight_map")
		}
		mapped = true
		places, err = s.places()
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !mapped:
		return nil, s.fail(0, ruleIndex, "there is none")
	case len(places) == 0:
		return nil, s.fail(0, ruleEmptyMap, "it is empty")
	}
	return places, s.end()
}

// places reads a weight_map.
func (s *scanner) places() ([]place, error) {
	most := min(bytes.Count(s.b[s.pos:], []byte{':'}), maxTensors) // as many are expected
	places := make([]place, 0, most)
	tensors, shards := make(map[string]struct{}, most), map[string]string{}
	err := s.object(ruleWeightMap, func(key []byte, at int) error {
		if len(places) == maxTensors {
			return s.fail(at, ruleTooMany, "at most %d", maxTensors)
		}
		p := place{tensor: string(key), at: int64(at)}
		if err := model.CheckName(s.file, p.at, p.tensor); err != nil {
			return err
		}
		if _, twice := tensors[p.tensor]; twice {
			return s.fail(at, ruleDuplicate, "tensor %q", p.tensor)
		}
		tensors[p.tensor] = struct{}{}
		shard, err := s.string(ruleWeightMap)
		if err != nil {
			return err
		}
		known := false
		if p.shard, known = shards[string(shard)]; !known { // many tensors share a shard: keep its name once
			p.shard = string(shard)
			shards[p.shard] = p.shard
		}
		places = append(places, p)
		return nil
	})
	return places, err
}
