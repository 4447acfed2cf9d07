// Package net runs networks: small graphs of the field's standard operators,
// forward and backward, with a scheme on every weight and every activation that
// meets one.
//
// Operators have ONNX's names and meanings. They are plain functions on slices,
// a file each; everything is float32, row-major, the batch outermost, and what
// comes out has the same bits for any number of threads. Token numbers are
// float32 too, which holds them exactly.
package net
