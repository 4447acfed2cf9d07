package kernels

// iqPackings is the table of the grid formats.
var iqPackings = []*Packing{iq1s, iq1m, iq2xxs, iq2xs, iq2s, iq3xxs, iq3s}
