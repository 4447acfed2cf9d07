// Package gguf reads and writes GGUF, the files of llama.cpp and of what builds on ggml: a
// header, metadata, the tensors' descriptions, then their data.
//
//	4 bytes     "GGUF"
//	u32         the version: 1, 2 or 3
//	u64, u64    how many tensors and how many metadata follow
//	metadata    key, type, value; a value may be an array, of arrays too
//	tensors     name, dimensions (the innermost first), type, place of the data
//	the rest    the data of each tensor, at a multiple of general.alignment
//
// A string is its length and its bytes. In version 1 every count and length is
// a u32. A file from a big-endian machine has all numbers, those inside of
// blocks as well, in its order; its version tells, or its first bytes "FUGG".
//
// A model may be split over files that are called NAME-00001-of-00003.gguf;
// opening one of them opens them all.
//
// The reader holds files to the rules of the reference implementation and is
// wider where its specification is: nested arrays, alignments that are multiples
// of 8, gaps between tensors. Every rule has a name, in rules.go, and a broken one
// is reported with its file and offset as a [model.Error].
package gguf
