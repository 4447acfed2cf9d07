package kernels

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// gridRows returns rows that take the grid formats through their cases, and an
// importance for each column; all arithmetic in it is exact or correctly rounded.
func gridRows() (rows [][]float32, importance []float32) {
	r := rand.New(rand.NewPCG(7, 11))
	draw := func() float32 { return float32(int32(r.Uint32())) * 0x1p-31 }
	const n = 1024
	for kind := range 9 {
		x := make([]float32, n)
		for i := range x {
			v := draw() + draw() + draw()
			switch kind {
			case 1: // heavy tails
				v = v * v * v * 0x1p-6
			case 2: // ties
				v = float32(math.Round(float64(3*v))) / 8
			case 3: // scales apart
				v *= float32(int(1) << (i / 16 % 13))
			case 4: // zeros between, one whole sub-block among them
				if i%5 > 0 || i/32%8 == 2 {
					v = 0
				}
			case 5: // one sign
				v = abs(v)
			case 6: // outliers
				if i%300 == 17 {
					v *= 500
				}
			case 7: // only two values
				v = float32(math.Copysign(0.75, float64(v)))
			case 8: // small
				v *= 0x1p-20
			}
			x[i] = v
		}
		rows = append(rows, x)
	}
	return rows, importances(n, draw)
}

// gridHashes holds the first eight bytes of SHA-256 over the rows of gridRows,
// packed by ggml d99724f2 without importance (where that is defined), with it,
// and the latter unpacked by it.
var gridHashes = map[string][3]string{
	"iq1_s":   {"", "926a1b002b329b3e", "b3c2fb74f6940767"},
	"iq1_m":   {"dbad72aa8afcdf90", "2237c0ea3fca1d03", "5efe07866d35955a"},
	"iq2_xxs": {"", "1ae638222ba23b1c", "33088d6fb15ad229"},
	"iq2_xs":  {"", "018a3c4bd3f96e36", "3470066ab8a40eda"},
	"iq2_s":   {"6b47f85dbcd7e780", "1420a07ad1866d05", "7f9221a29d3c064a"},
	"iq3_xxs": {"13d482239a928866", "ebff917a2fe2a158", "3213b6b4acc5059d"},
	"iq3_s":   {"7f9730a9477a7591", "64c05e2fc2b36fde", "1a5efb7782e24299"},
}

func TestGridFormatsGiveTheReferencesBytes(t *testing.T) {
	rows, importance := gridRows()
	for _, p := range latticePackings {
		t.Run(p.Name, func(t *testing.T) {
			check := func(what string, b []byte, want string) {
				t.Helper()
				sum := sha256.Sum256(b)
				if got := hex.EncodeToString(sum[:8]); got != want {
					t.Errorf("%s: the hash is %s, the reference's %s", what, got, want)
				}
			}
			weighted := pack(p, rows, importance)
			check("packed with importance", weighted, gridHashes[p.Name][1])
			check("unpacked", float32Bytes(unpack(p, weighted)), gridHashes[p.Name][2])
			if !p.NeedsImportance {
				check("packed", pack(p, rows, nil), gridHashes[p.Name][0])
			}
		})
	}
}

func readGolden(t *testing.T, name ...string) []byte {
	t.Helper()
	root := os.Getenv("BITDIAL_SHARED")
	if root == "" {
		t.Skip("BITDIAL_SHARED is not set")
	}
	b, err := os.ReadFile(filepath.Join(append([]string{root, "golden", "ggml"}, name...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGridFormatsEqualTheGoldenData(t *testing.T) {
	decode := func(b []byte) []float32 {
		x := make([]float32, len(b)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return x
	}
	importance := decode(readGolden(t, "imatrix.f32"))
	rows := slices.Collect(slices.Chunk(decode(readGolden(t, "input.f32")), len(importance)))
	for _, p := range latticePackings {
		t.Run(p.Name, func(t *testing.T) {
			compare := func(what string, got, want []byte, block int) {
				t.Helper()
				if len(got) != len(want) {
					t.Fatalf("%s: %d bytes, want %d", what, len(got), len(want))
				}
				for i := 0; i < len(got); i += block {
					if !bytes.Equal(got[i:i+block], want[i:i+block]) {
						t.Fatalf("%s: block %d is\n%x, want\n%x", what, i/block, got[i:i+block], want[i:i+block])
					}
				}
			}
			packed := readGolden(t, p.Name+".imatrix.bin")
			compare("packed with importance", pack(p, rows, importance), packed, p.Bytes)
			if !p.NeedsImportance {
				packed = readGolden(t, p.Name+".bin")
				compare("packed", pack(p, rows, nil), packed, p.Bytes)
			}
			compare("unpacked", float32Bytes(unpack(p, packed)), readGolden(t, p.Name+".dequant.f32"), 4*p.Block)
		})
	}
}

func TestGridsDecodeToTheReferencesTables(t *testing.T) {
	tables := map[string]*grid{
		"iq1s_grid": iq1Grid(), "iq2xxs_grid": iq2xxsGrid(), "iq2xs_grid": iq2xsGrid(), "iq2s_grid": iq2sGrid(),
		"iq3xxs_grid": iq3xxsGrid(), "iq3s_grid": iq3sGrid(),
	}
	for name, g := range tables {
		want := readGolden(t, "grids", name+".bin")
		if len(want) != g.dim*len(g.words) {
			t.Fatalf("%s: %d points, want %d coordinates", name, len(g.words), len(want))
		}
		scale := int8(1)
		if name == "iq1s_grid" {
			scale = 8 // ours are in steps of iq1Shift
		}
		for i, v := range want {
			if got := int8(g.words[i/g.dim] >> (i % g.dim * 8)); got != scale*int8(v) {
				t.Fatalf("%s: coordinate %d is %v, want %d", name, i, got, scale*int8(v))
			}
		}
	}
}

func TestNeighboursAreThePointsOfTheNearestShells(t *testing.T) {
	lattices := []struct {
		l      *lattice
		shells int
	}{{iq1Lattice(), 3}, {iq2xxsLattice(), 2}, {iq2xsLattice(), 2}, {iq2sLattice(), 1}, {iq3xxsLattice(), 2}, {iq3sLattice(), 3}}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(lattices).Draw(t, "lattice")
		l := c.l
		var key uint16
		for i := range l.dim {
			key |= uint16(rapid.IntRange(0, l.levels-1).Draw(t, "level")) << (i * l.bits)
		}
		distance := func(p uint16) (d int) {
			for i := range l.dim {
				e := int(l.level(p, i)) - int(l.level(key, i))
				d += e * e
			}
			return d
		}
		at := l.at[key]
		if at >= 0 {
			if l.points[at] != key {
				t.Fatalf("key %04x leads to point %04x", key, l.points[at])
			}
			return
		}
		if slices.Contains(l.points, key) {
			t.Fatalf("key %04x has neighbours but is a point", key)
		}
		want := slices.Clone(l.points)
		slices.SortStableFunc(want, func(a, b uint16) int { return distance(a) - distance(b) })
		n, shells := 0, 0
		for n < len(want) {
			if n == 0 || distance(want[n]) > distance(want[n-1]) {
				if shells++; shells > c.shells {
					break
				}
			}
			n++
		}
		got := l.near[^at+1:][:l.near[^at]]
		if len(got) > maxNeighbours {
			t.Fatalf("%04x has %d neighbours", key, len(got))
		}
		if !slices.Equal(got, want[:n]) {
			t.Fatalf("the neighbours of %04x are %04x, want %04x", key, got, want[:n])
		}
	})
}

func TestGridFormatsTakeAnyBitsAndKeepToTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(latticePackings).Draw(t, "format")
		// Wholly random bits make every row a few outliers: keep neighbours alike.
		base := rapid.Uint32().Draw(t, "base")
		mask := rapid.SampledFrom([]uint32{0xffffffff, 0x80ffffff, 0x83ffffff, 0x8fffffff}).Draw(t, "mask")
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 1))
		draw := func(n int, sign uint32) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = math.Float32frombits((base&^mask | r.Uint32()&mask) &^ sign)
			}
			return x
		}
		x := draw(2*p.Block, 0)
		for range rapid.IntRange(0, 4).Draw(t, "oddities") {
			x[r.IntN(len(x))] = rapid.Float32().Draw(t, "oddity")
		}
		var importance []float32
		if p.NeedsImportance || rapid.Bool().Draw(t, "weighted") {
			importance = draw(2*p.Block, rapid.SampledFrom([]uint32{0, 1 << 31}).Draw(t, "sign"))
		}
		b := bytes.Repeat([]byte{0xa5}, 2*p.Bytes+8)
		p.quantize(b[4:][:2*p.Bytes], x, importance)
		again := bytes.Repeat([]byte{0x5a}, 2*p.Bytes)
		p.quantize(again, x, importance)
		if !bytes.Equal(b[4:][:2*p.Bytes], again) {
			t.Fatal("what dst held before shows through")
		}
		if !bytes.Equal(b[:4], b[4+2*p.Bytes:]) || b[0] != 0xa5 {
			t.Fatal("wrote beside its bytes")
		}
		y := make([]float32, 2*p.Block)
		p.dequantize(y, again)
		junk := make([]byte, 2*p.Bytes)
		for i := range junk {
			junk[i] = byte(r.Uint32())
		}
		p.dequantize(y, junk)
	})
}

func TestGridFormatsComeBackNearEnough(t *testing.T) {
	// Of normal weights, just above what is measured.
	ceiling := map[string]float64{
		"iq1_s": 0.24, "iq1_m": 0.21, "iq2_xxs": 0.12, "iq2_xs": 0.091, "iq2_s": 0.063, "iq3_xxs": 0.034, "iq3_s": 0.020,
	}
	r := rand.New(rand.NewPCG(3, 4))
	x, importance := make([]float32, 8192), make([]float32, 8192)
	for i := range x {
		x[i], importance[i] = float32(r.NormFloat64()), 1
	}
	for _, p := range latticePackings {
		b, y := make([]byte, len(x)/p.Block*p.Bytes), make([]float32, len(x))
		p.quantize(b, x, importance)
		p.dequantize(y, b)
		var e, s float64
		for i := range x {
			e += float64(x[i]-y[i]) * float64(x[i]-y[i])
			s += float64(x[i]) * float64(x[i])
		}
		if got := e / s; !(got < ceiling[p.Name]) {
			t.Errorf("%s: relative error %.3f, want less than %.2f", p.Name, got, ceiling[p.Name])
		}
	}
}

func TestSortedOrderIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.SampledFrom([]float32{-2, -1, 0, float32(math.Copysign(0, -1)), 0.5, 3}), 1, 32).Draw(t, "x")
		got, want := make([]uint8, len(x)), make([]uint8, len(x))
		for i := range want {
			want[i] = uint8(i)
		}
		slices.SortStableFunc(want, func(a, b uint8) int {
			switch {
			case x[a] < x[b]:
				return -1
			case x[a] > x[b]:
				return 1
			}
			return 0
		})
		if sortedOrder(got, x); !slices.Equal(got, want) {
			t.Fatalf("order of %v is %v, want %v", x, got, want)
		}
	})
}

func BenchmarkGridQuantize(b *testing.B) {
	rows, importance := gridRows()
	for _, p := range latticePackings {
		b.Run(p.Name, func(b *testing.B) {
			dst := make([]byte, len(importance)/p.Block*p.Bytes)
			p.quantize(dst, rows[0], importance)
			b.SetBytes(int64(4 * len(importance)))
			for b.Loop() {
				p.quantize(dst, rows[0], importance)
			}
		})
	}
}

func BenchmarkGridDequantize(b *testing.B) {
	rows, importance := gridRows()
	for _, p := range latticePackings {
		b.Run(p.Name, func(b *testing.B) {
			dst := make([]byte, len(importance)/p.Block*p.Bytes)
			p.quantize(dst, rows[0], importance)
			y := make([]float32, len(importance))
			b.SetBytes(int64(4 * len(importance)))
			for b.Loop() {
				p.dequantize(y, dst)
			}
		})
	}
}

func BenchmarkNeighbours(b *testing.B) {
	g := iq1Grid()
	for b.Loop() {
		newLattice(g, 3)
	}
}
