package kernels

// iqPackings is the table of the grid formats.
var iqPackings = []*Packing{iq3xxs, iq3s}
