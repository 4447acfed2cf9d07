// Package tui is the explorer: it turns keys into dials and measurements into
// plots. It computes nothing; every figure comes from package quant.
//
// There is one Bubble Tea model, app. A page is an entry of the table pages
// with a function that draws it, a key an entry of the table bindings. All
// work on weights is done by one job at a time, the most urgent one, outside
// of Update; see work.go. What a job finds out is a fact about a tensor under
// a scheme and is kept as such, so that no result can be out of date.
package tui
