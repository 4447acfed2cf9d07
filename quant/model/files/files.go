// Package files opens model files of every format that bitdial reads. Which
// one it is, it learns from the content where the content says so.
//
// It stands apart from package model because the formats import that one.
package files

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/gguf"
	"github.com/bitdial/bitdial/quant/model/llama2c"
	"github.com/bitdial/bitdial/quant/model/npy"
	"github.com/bitdial/bitdial/quant/model/onnx"
	"github.com/bitdial/bitdial/quant/model/safetensors"
	"github.com/bitdial/bitdial/quant/model/torch"
)

// reader is a file format: one line of the table.
type reader struct {
	reads  string                              // what it opens, for messages
	file   func(name string, head []byte) bool // is this file, of such a beginning, one of them?
	folder func(names []string) bool           // is a folder of such files?
	open   func(path string) (*model.Model, error)
}

var readers = []reader{
	{gguf.Reads, gguf.Recognises, gguf.RecognisesFolder, gguf.Open},
	{safetensors.Reads, safetensors.Recognises, safetensors.RecognisesFolder, safetensors.Open},
	{npy.Reads, npy.Recognises, npy.RecognisesFolder, npy.Open},
	{onnx.Reads, onnx.Recognises, onnx.RecognisesFolder, onnx.Open},
	{torch.Reads, torch.Recognises, torch.RecognisesFolder, torch.Open},
	{llama2c.Reads, llama2c.Recognises, llama2c.RecognisesFolder, llama2c.Open},
}

// headBytes of a file are enough to tell what it is.
const headBytes = 4096

const ruleUnknown = "not a model that bitdial reads"

// Open opens the model at path, a file or a folder. Only headers are read; the
// caller closes the model. Every error is an [*model.Error].
func Open(path string) (*model.Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, model.FileError(path, err)
	}
	recognised, err := recogniser(path, info)
	if err != nil {
		return nil, model.FileError(path, err)
	}
	for _, r := range readers {
		if recognised(r) {
			return r.open(path)
		}
	}
	var reads []string
	for _, r := range readers {
		reads = append(reads, r.reads)
	}
	return nil, &model.Error{
		File: path, Offset: model.NoOffset,
		Rule: ruleUnknown + " (" + strings.Join(reads, ", ") + ")",
	}
}

// recogniser returns the question whether a reader takes what is at path.
func recogniser(path string, info os.FileInfo) (func(reader) bool, error) {
	switch {
	case info.IsDir():
		items, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, item := range items {
			if !item.IsDir() {
				names = append(names, item.Name())
			}
		}
		return func(r reader) bool { return r.folder(names) }, nil
	case !info.Mode().IsRegular(): // to open a pipe would block
		return func(reader) bool { return false }, nil
	}
	head, err := readHead(path)
	return func(r reader) bool { return r.file(path, head) }, err
}

func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	head := make([]byte, headBytes)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // a short file
	}
	return head[:n], err
}
