package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// split is what a file says of the split model that it is part of.
type split struct {
	number  uint64 // split.no: which part it is, from 0
	files   uint64 // split.count: how many parts there are; 0 or 1 if it is whole
	tensors uint64 // split.tensors.count: of all parts
	counted bool   // the file says it
}

// splitName matches the names of a split model's files.
var splitName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// part is the name of a file of a split model, taken apart.
type part struct {
	name          string // of the model
	number, files int    // number from 1
}

func partOf(file string) (p part, ok bool) {
	match := splitName.FindStringSubmatch(file)
	if match == nil {
		return part{}, false
	}
	number, _ := strconv.Atoi(match[2]) // five digits
	files, _ := strconv.Atoi(match[3])
	return part{match[1], number, files}, true
}

func (p part) String() string {
	return fmt.Sprintf("%s-%05d-of-%05d%s", p.name, p.number, p.files, suffix)
}

// openSplit opens, as path, the model of which file with the header h is a
// part.
func openSplit(path, file string, h *Header) (m *model.Model, err error) {
	folder, base := filepath.Split(file)
	p, ok := partOf(base)
	if !ok || p.files == 0 {
		return nil, &model.Error{
			File: file, Offset: model.NoOffset, Rule: ruleSplitName,
			Found: fmt.Sprintf("it is one of %d", h.split.files),
		}
	}
	m = &model.Model{Name: p.name, Path: path, Format: Format}
	defer func() {
		if err != nil {
			_ = m.Close() // the files were only read
			m = nil
		}
	}()
	j := joined{m, map[string]string{}, map[string]bool{}}
	total := h.split
	for p.number = 1; p.number <= p.files; p.number++ {
		if err := j.add(filepath.Join(folder, p.String()), p); err != nil {
			return m, err
		}
	}
	if total.counted && total.tensors != uint64(len(m.Tensors)) {
		return m, &model.Error{
			File: file, Offset: model.NoOffset, Rule: ruleSplitTotal,
			Found: fmt.Sprintf("%d, the files have %d", total.tensors, len(m.Tensors)),
		}
	}
	return m, nil
}

// joined is a model that grows by files.
type joined struct {
	m         *model.Model
	owner     map[string]string // the file of each tensor
	described map[string]bool   // by metadata
}

// add adds the file at path, which is the part p.
func (j *joined) add(path string, p part) error {
	f, err := model.OpenFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &model.Error{File: path, Offset: model.NoOffset, Rule: ruleSplitMissing, Err: fs.ErrNotExist}
	}
	if err != nil {
		return err
	}
	one, h, err := one(path, "", f)
	if err != nil {
		return err
	}
	j.m.Files = append(j.m.Files, f)
	if h.split.number+1 != uint64(p.number) || h.split.files != uint64(p.files) {
		return &model.Error{
			File: path, Offset: model.NoOffset, Rule: ruleSplitNumber,
			Found: fmt.Sprintf("number %d, counted from 0, of %d", h.split.number, h.split.files),
		}
	}
	for _, t := range one.Tensors {
		if other, twice := j.owner[t.Name]; twice {
			return &model.Error{
				File: path, Offset: model.NoOffset, Rule: ruleSplitTwice,
				Found: fmt.Sprintf("tensor %q is in %q too", t.Name, filepath.Base(other)),
			}
		}
		j.owner[t.Name] = path
	}
	j.m.Tensors = append(j.m.Tensors, one.Tensors...)
	for _, kv := range one.Metadata { // that of the parts is the first's, in short
		if !j.described[kv.Key] {
			j.described[kv.Key] = true
			j.m.Metadata = append(j.m.Metadata, kv)
		}
	}
	return nil
}

// candidates returns the GGUF files among names, of a split model the first of
// its files. Hidden files are other programs' notes.
func candidates(names []string) []string {
	var found []string
	models := map[string]bool{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, suffix) {
			continue
		}
		whole := name
		if p, ok := partOf(name); ok {
			whole = fmt.Sprintf("%s of %d", p.name, p.files)
		}
		if !models[whole] {
			models[whole] = true
			found = append(found, name)
		}
	}
	return found
}

// inFolder returns the path of the file to open for the folder at path.
func inFolder(path string) (string, error) {
	items, err := os.ReadDir(path)
	if err != nil {
		return "", model.FileError(path, err)
	}
	var names []string
	for _, item := range items {
		if !item.IsDir() {
			names = append(names, item.Name())
		}
	}
	switch found := candidates(names); len(found) {
	case 0:
		return "", &model.Error{File: path, Offset: model.NoOffset, Rule: ruleNoFile}
	case 1:
		return filepath.Join(path, found[0]), nil
	default:
		return "", &model.Error{
			File: path, Offset: model.NoOffset, Rule: ruleManyModels,
			Found: fmt.Sprintf("%q", found[:min(len(found), 8)]),
		}
	}
}
