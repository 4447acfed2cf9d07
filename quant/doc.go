// Package quant says what quantizing a model means: the scheme of a tensor,
// what it costs in error and bytes, the plan of a whole model.
//
// Schemes are in scheme.go, parse.go and dial.go, and what they do to weights in
// units.go. Measuring a tensor is summary.go, then measure.go or estimate.go, over
// chunks of stream.go. Plans are rules in plan.go, saved by planfile.go; mixes.go has
// those that llama-quantize knows by name.
//
// Choosing a plan goes from sweep.go, which finds out what every scheme would cost and
// keeps it as results.go has it, by way of the terms.go of whoever asks, to the space of
// space.go, from which solve.go takes the best; rules.go says it in few words, and
// why.go what decided. compare.go holds one model against another.
//
// Everything here can be used without a terminal, and nothing here knows one.
// Arithmetic on weights is in package kernels, model files in quant/model.
package quant
