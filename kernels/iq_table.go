package kernels

// iqPackings is the table of the grid formats.
var iqPackings = []*Packing{iq3s}
