// Package imatrix reads importance matrices of llama.cpp: for each weight
// tensor of a model, how large the activations were that its columns were
// multiplied with, as a mean of squares over some text.
//
// There are two forms. The present one is a GGUF file with two F32 tensors for
// each weight called NAME: NAME.in_sum2, the sums of squares, a row for each
// expert, and NAME.counts, how many inputs each expert had. The older one, with
// all numbers little-endian, is
//
//	i32        how many entries follow
//	entry      i32 length and bytes of the name, i32 how often it was added to,
//	           i32 how many values, then these, f32 each
//	i32, i32…  maybe: how many chunks of text there were; the name of the text
//
// where a value is a mean times how often it was added to. Every rule has a
// name, in rules.go.
package imatrix
