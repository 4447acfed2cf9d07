// Package export writes what leaves: the weights as they come back from
// quantization, in a file that any framework reads.
package export
