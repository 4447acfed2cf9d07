// Package kernels is the arithmetic of quantization on slices of float32 and
// bytes: number formats, rounding modes, the choice of a clipping range, and
// the round trip of weights through a format with its error sums.
//
// It knows nothing of files, models, goroutines or schemes. Every function is
// a pure function of its arguments, gives the same bits on every machine, and
// accepts any float: NaN and ±Inf are counted, never turned into a number.
//
// [MatMul] and its kin multiply matrices, for networks that run and learn.
//
// A format is one entry of [Formats], a rounding mode one of [Roundings], a
// range estimator one of [Ranges]; what the rest of the program offers follows
// from these tables.
package kernels
