package kernels

// splitLanes is the space in which lanes score all splits of iq1. The assembly
// knows the order of the fields.
type splitLanes struct {
	x, w   [48]float32        // Σwx and Σw before each border; of iq1_m the sorted weights
	lines  [4][48]float32     //nolint:unused // what a first border adds to Σwxq and Σwq², up and down; of the assembly alone, as others
	halves [16]uint64         // 64 where a sorted weight is one of the second eight
	terms  [12][16]float32    //nolint:unused
	rows   [16][4][16]float32 //nolint:unused
	scores [1600]float32      //nolint:unused
	found  [176][2]uint32
}
