// Package model is a trained model seen as named tensors of numbers: their
// shapes, how they are stored, and a way to read any stretch of them as
// float32 without loading the rest.
//
// The readers of file formats are its sub-packages, and files picks among them
// by content. Opening reads headers only; the data stays in the file, mapped
// read-only, so that a model larger than memory opens at once. Whatever a file
// says about itself is taken for a lie until it is checked, and each broken
// rule is reported as an [Error] with the file and the offset.
//
// The package knows nothing of schemes, measurements or screens, and executes
// nothing that it reads.
package model
