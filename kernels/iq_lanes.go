package kernels

import "sync"

// A search among grid points tries some scales on some groups. With vectors, a
// lane owns a trial where levels and sums are found, and a neighbour where points
// are. Lanes do what plain Go does in its order, and so give the same bits.

// gridLanes is a sub-block as vectors have it. The assembly knows the order of
// the fields.
type gridLanes struct {
	x    [32]float32 // magnitudes
	w    [32]float32 // what the squared error of each counts
	root [32]float32 // √w
	wx   [32]float32 //nolint:unused // w·x; of the assembly alone, as others below

	inverse, scale [32]float32       //nolint:unused // of each trial
	qx, q2         [32]float32       // Σwxq and Σwq² for its points
	keys           [8][32]uint32     // of each group on each trial, as words
	points         [8][32]uint32     // as words
	tables         [8][2][32]float32 //nolint:unused // x and root, once per level
	margins        [8]float32        //nolint:unused // by which a point is surely better than another
	close          [8]uint32         // a bit per trial with a weight close to another level
	unsure         [8][32]int32

	signs   [4]uint8 // of eight weights each; a set bit is a minus
	highest float32  // of x
	loud    float32  // the largest |x|
	heavy   float32  // the largest w, or NaN if one is negative

	tame bool // whether the weights are such that lanes can take them
}

// gridBlocks are the sub-blocks of a block, which lanes search together: so that
// what one waits for is done for others meanwhile.
type gridBlocks struct {
	blocks [16]gridBlock
	// jobs ask for the best point of a list, for a group of a sub-block on a
	// trial: the trial has five bits, the group three, the sub-block four, and the
	// list those above.
	jobs [8 * 8 * 3 * 32]uint32
}

var gridBlocksPool = sync.Pool{New: func() any { return new(gridBlocks) }}
