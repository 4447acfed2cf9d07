package kernels

import (
	"embed"
	"encoding/binary"
	"sync"
)

// The IQ formats spend about two bits on a weight, too few for an integer of
// its own. They quantize eight or four neighbouring weights together: the
// group, seen as one point in space, moves to one of 256 to 2048 points of a
// grid, and the grid point's index is stored. The points were chosen by the
// formats' author out of all combinations of levels, so that common groups
// have a point near them; signs are stored apart, so the grid only covers
// magnitudes (iq1, with its levels −1, 0 and 1, has no separate signs).
//
// A combination of levels is written as a key: the level of coordinate i in
// bits i·bits and up.

//go:embed grids/*.bin
var gridFiles embed.FS

// grid is the points of one IQ format and what they decode to.
type grid struct {
	dim, bits, levels int
	points            []uint16 // the key of each point
	words             []uint64 // the decoded coordinates of each point, signed bytes
}

// readGrid reads the points of a grid whose levels are worth values.
func readGrid(name string, dim int, values ...int8) *grid {
	data, err := gridFiles.ReadFile("grids/" + name + ".bin")
	if err != nil {
		panic(err) // the file is a part of the program
	}
	g := &grid{dim: dim, bits: 16 / dim, levels: len(values)}
	if dim == 4 {
		g.bits = 3
	}
	for i := 0; i < len(data); i += 2 {
		key := binary.LittleEndian.Uint16(data[i:])
		g.points = append(g.points, key)
		var w uint64
		for c := range dim {
			w |= uint64(uint8(values[g.level(key, c)])) << (8 * c)
		}
		g.words = append(g.words, w)
	}
	return g
}

// level returns the level of coordinate c of a key.
func (g *grid) level(key uint16, c int) uint16 { return key >> (c * g.bits) & (1<<g.bits - 1) }

// lattice is a grid with what the search for a point needs.
type lattice struct {
	*grid
	// at holds, for each key, the index of its point, or if the grid lacks it
	// the complement of where its neighbours begin in near.
	at []int32
	// near holds lists of neighbours: their number, then their keys, nearest
	// first, those equally near by index.
	near []uint16
	// halves[c] holds the valid first c coordinates of keys, for half a key.
	halves [4][]uint8

	shortOnce  sync.Once // vectors alone need what follows
	shortLists *shortLists
}

// newLattice finds for every key off the grid the points in the nearest
// shells, the given number of different distances, counting every level as one
// step. The best point for a group, whose weights differ in importance, is
// looked for among these alone.
//
// The reference sorts all points by distance and then by index, so that no two
// compare equal and the sort's treatment of ties does not matter. Counting the
// points at each distance gives the same order.
//
// A lattice is made once, when a row is first quantized: that of iq1 in about
// 50 ms and 0.9 MB, those of iq2 in less, down to iq3's 0.1 MB.
func newLattice(g *grid, shells int) *lattice {
	const farthest = 4 * 7 * 7 // of two keys; iq1 and iq2 reach 8·2·2
	l := &lattice{grid: g, at: make([]int32, 1<<(g.dim*g.bits))}
	for i, key := range g.points {
		l.at[key] = int32(i)
	}
	l.halves[0] = []uint8{0}
	for c := 1; c < g.dim/2; c++ {
		for level := range g.levels {
			for _, lower := range l.halves[c-1] {
				l.halves[c] = append(l.halves[c], lower|uint8(level<<((c-1)*g.bits)))
			}
		}
	}
	half := g.dim * g.bits / 2
	apart := squaredDistances(g)
	distance := make([]uint8, len(g.points))
	for k := range l.at {
		key := uint16(k)
		if g.points[l.at[key]] == key || !g.valid(key) {
			continue
		}
		var start [farthest + 2]int // start[d+1] counts the points at distance d, then tells where they go
		low, high := apart[key&(1<<half-1)], apart[key>>half]
		for i, p := range g.points {
			d := low[p&(1<<half-1)] + high[p>>half]
			distance[i] = d
			start[d+1]++
		}
		limit, n := 0, 0
		for found := 0; found < shells && limit <= farthest; limit++ {
			if count := start[limit+1]; count > 0 {
				found++
				n += count
			}
			start[limit+1] += start[limit]
		}
		at := len(l.near)
		l.at[key] = ^int32(at)
		l.near = append(l.near, uint16(n))
		l.near = append(l.near, make([]uint16, n)...)
		for i, d := range distance {
			if int(d) < limit {
				l.near[at+1+start[d]] = g.points[i]
				start[d]++
			}
		}
	}
	l.near = append(l.near, make([]uint16, 16)...) // vectors read past the last list
	return l
}

// valid says whether all levels of a key exist.
func (g *grid) valid(key uint16) bool {
	for c := range g.dim {
		if int(g.level(key, c)) >= g.levels {
			return false
		}
	}
	return true
}

// squaredDistances tabulates the squared distance, in levels, between any two
// halves of keys.
func squaredDistances(g *grid) [][]uint8 {
	n := 1 << (g.dim * g.bits / 2)
	t := make([][]uint8, n)
	for a := range t {
		t[a] = make([]uint8, n)
		for b := range t[a] {
			for c := range g.dim / 2 {
				d := int(g.level(uint16(a), c)) - int(g.level(uint16(b), c))
				t[a][b] += uint8(d * d)
			}
		}
	}
	return t
}
