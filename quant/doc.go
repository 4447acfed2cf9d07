// Package quant says what quantizing a model means: the scheme of a tensor,
// what it costs in error and bytes, the plan of a whole model.
//
// Everything here can be used without a terminal, and nothing here knows one.
// Arithmetic on weights is in package kernels, model files in quant/model.
package quant
