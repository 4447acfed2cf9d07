package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Where splitLanes, the space of iq1's searches for the best split, has its
// arrays.
const (
	splitX      = 0                   // sums of wx before each border, or sorted weights
	splitW      = splitX + 4*48       // the same of w
	splitLines  = splitW + 4*48       // what a first border adds: Σwxq and Σwq², up and down
	splitHalves = splitLines + 4*4*48 // which eight of sixteen a sorted weight is of: 0 or 64
	splitTerms  = splitHalves + 8*16
	splitRows   = splitTerms + 4*12*16
	splitScores = splitRows + 4*16*4*16
	splitFound  = splitScores + 4*1600

	splitAcross = 4 * 48
)

// nearBest is how far below the best approximate score one may be whose exact
// score is the best. It covers what the reciprocal and sums in another order are off by.
func (v isa) nearBest() uint32 {
	if v.wide() {
		return float(1 - 0x1p-10)
	}
	return float(1 - 0x1p-8)
}

func (v isa) reciprocal(r, to VecVirtual) {
	if v.wide() {
		VRCP14PS(r, to)
	} else {
		VRCPPS(r, to)
	}
}

// keepFrom sets lanes of score to 0 where lane is less than first.
func (v isa) keepFrom(lane, first VecVirtual, scores ...VecVirtual) {
	if v.wide() {
		k := K()
		VPCMPD(notLess, first, lane, k)
		for _, s := range scores {
			VMOVAPS_Z(s, k, s)
		}
		return
	}
	m := YMM()
	VPCMPGTD(lane, first, m)
	for _, s := range scores {
		VPANDN(s, m, s)
	}
}

// most fills r with its largest float.
func (v isa) most(r VecVirtual) {
	t := v.reg()
	if v.wide() {
		VSHUFF32X4(Imm(0x4e), r, r, t)
		VMAXPS(t, r, r)
		VSHUFF32X4(Imm(0xb1), r, r, t)
	} else {
		VPERM2F128(Imm(1), r, r, t)
	}
	VMAXPS(t, r, r)
	VPERMILPS(Imm(0x4e), r, t)
	VMAXPS(t, r, r)
	VPERMILPS(Imm(0xb1), r, t)
	VMAXPS(t, r, r)
}

// pick emits the gathering of places with scores near the best: count vectors of
// scores for each of kinds, in turn. A find is a number of scores before it and a
// bit per lane.
func (v isa) pick(space GPVirtual, count int, best VecVirtual) {
	v.most(best)
	limit := v.reg()
	VMULPS(v.spread32(v.nearBest()), best, limit)
	at, found, n, bits, step := GP64(), GP64(), GP64(), GP32(), GP64()
	LEAQ(Mem{Base: space, Disp: splitScores}, at)
	LEAQ(Mem{Base: space, Disp: splitFound}, found)
	XORQ(n, n)
	next := label("pick")
	Label(next)
	score := v.reg()
	VMOVUPS(Mem{Base: at}, score)
	v.signBits(v.where(notLess, score, limit), bits.(GPVirtual))
	MOVL(n.As32(), Mem{Base: found})
	MOVL(bits, Mem{Base: found, Disp: 4})
	XORL(step.As32(), step.As32())
	TESTL(bits, bits)
	SETNE(step.As8())
	LEAQ(Mem{Base: found, Index: step, Scale: 8}, found)
	ADDQ(U32(4*v.n), at)
	INCQ(n)
	CMPQ(n, U32(count))
	JL(LabelRef(next))
	LEAQ(Mem{Base: space, Disp: splitFound}, at)
	SUBQ(at, found)
	SHRQ(Imm(3), found)
	Store(found, ReturnIndex(0))
	VMOVSS(best.AsX(), NewParamAddr("best", 16))
	VZEROUPPER()
	RET()
}

// split32 emits the scores of all splits of 32 weights.
func (v isa) split32() {
	function("split32"+v.suffix, "func(space *float32) (n int, best float32)",
		"split32"+v.suffix+" finds the splits of 32 weights that may be the best for iq1_s, but for the one with all weights in the highest level. A find is the number of scores before it and a bit per lane, which is a second border from 1 on; scores are ordered by lanes, then first borders, then up and down.")
	space := param("space")
	sumx, sumw := v.reg(), v.reg()
	VBROADCASTSS(Mem{Base: space, Disp: splitX + 4*32}, sumx)
	VBROADCASTSS(Mem{Base: space, Disp: splitW + 4*32}, sumw)
	const shift = 0.125
	for i := 0; i < 48-15; i += v.n {
		x, w, t := v.reg(), v.reg(), v.reg()
		VMOVUPS(Mem{Base: space, Disp: splitX + 4*i}, x)
		VMOVUPS(Mem{Base: space, Disp: splitW + 4*i}, w)
		for k, s := range []float32{shift, -shift} {
			VMULPS(v.spread32(float(1+s)), sumx, t)
			VSUBPS(x, t, t)
			VMOVUPS(t, Mem{Base: space, Disp: splitLines + 2*k*splitAcross + 4*i})
			VMULPS(v.spread32(float((1+s)*(1+s))), sumw, t)
			u := v.reg()
			VMULPS(v.spread32(float(1-2*s)), w, u)
			VADDPS(u, t, t)
			VMOVUPS(t, Mem{Base: space, Disp: splitLines + (2*k+1)*splitAcross + 4*i})
		}
	}
	best := v.zero()
	score := GP64()
	LEAQ(Mem{Base: space, Disp: splitScores}, score)
	count := 0
	for from := 1; from <= 32; from += v.n {
		x, up, down, lane := v.reg(), v.reg(), v.reg(), v.reg()
		VMOVUPS(Mem{Base: space, Disp: splitX + 4*from}, x)
		VMOVUPS(Mem{Base: space, Disp: splitW + 4*from}, down)
		VMULPS(v.spread32(float(1+2*shift)), down, up)
		VMULPS(v.spread32(float(1-2*shift)), down, down)
		VMOVUPS(iota16(), lane)
		VPADDD(v.spread32(uint32(from)), lane, lane)
		first := v.zero()
		one := v.spread32(1)
		at, left := GP64(), GP64()
		MOVQ(space, at)
		MOVQ(U32(from+v.n), left)
		count += 2 * (from + v.n)
		next := label("border")
		Label(next)
		var scores []VecVirtual
		for k, w := range []VecVirtual{up, down} {
			qx, q2, r := v.reg(), v.reg(), v.reg()
			VBROADCASTSS(Mem{Base: at, Disp: splitLines + 2*k*splitAcross}, qx)
			VBROADCASTSS(Mem{Base: at, Disp: splitLines + (2*k+1)*splitAcross}, q2)
			VSUBPS(x, qx, qx)
			VSUBPS(w, q2, q2)
			v.reciprocal(q2, r)
			VMULPS(qx, qx, qx)
			VMULPS(r, qx, qx)
			scores = append(scores, qx)
		}
		v.keepFrom(lane, first, scores...)
		for k, s := range scores {
			VMAXPS(s, best, best)
			VMOVUPS(s, Mem{Base: score, Disp: 4 * v.n * k})
		}
		ADDQ(U32(8*v.n), score)
		ADDQ(Imm(4), at)
		VPADDD(one, first, first)
		DECQ(left)
		JNZ(LabelRef(next))
	}
	v.pick(space, count, best)
}

// split16 emits the scores of all splits of 16 weights under four pairs of
// shifts.
func (v isa) split16() {
	function("split16"+v.suffix, "func(space *float32) (n int, best float32)",
		"split16"+v.suffix+" finds the splits of 16 weights that may be the best for iq1_m, but for those with all weights in the highest level. A find is the number of scores before it and a bit per lane, which is a second border from 1 on; scores are ordered by lanes, then first borders, then pairs.")
	space := param("space")
	// What a sorted weight adds to both sums, by level and shift.
	term := func(sum, level, shift int) int { return splitTerms + 4*16*(sum+2*shift+4*level) }
	const shift = 0.125
	for i := 0; i < 16; i += v.n {
		x, w := v.reg(), v.reg()
		VMOVUPS(Mem{Base: space, Disp: splitX + 4*i}, x)
		VMOVUPS(Mem{Base: space, Disp: splitW + 4*i}, w)
		for level := range 3 {
			for k, s := range []float32{shift, -shift} {
				q, t, u := v.spread32(float(float32(level-1)+s)), v.reg(), v.reg()
				VMULPS(q, w, t)
				VMULPS(x, t, u)
				VMOVUPS(u, Mem{Base: space, Disp: term(0, level, k) + 4*i})
				VMULPS(q, t, t)
				VMOVUPS(t, Mem{Base: space, Disp: term(1, level, k) + 4*i})
			}
		}
	}
	best := v.zero()
	score := GP64()
	LEAQ(Mem{Base: space, Disp: splitScores}, score)
	count := 0
	for from := 1; from <= 16; from += v.n {
		// A row is what a sorted weight adds: as one of level 1 in lanes
		// whose second border is behind it, else as one of level 2. Rows of one
		// weight are those up and down, of both sums.
		lane := v.reg()
		VMOVUPS(iota16(), lane)
		VPADDD(v.spread32(uint32(from)), lane, lane)
		place, one := v.zero(), v.spread32(1)
		at, row, left := GP64(), GP64(), GP64()
		MOVQ(space, at)
		MOVQ(space, row)
		MOVQ(U32(16), left)
		next := label("row")
		Label(next)
		for sum := range 2 {
			for k := range 2 {
				middle, high := v.reg(), v.reg()
				VBROADCASTSS(Mem{Base: at, Disp: term(sum, 1, k)}, middle)
				VBROADCASTSS(Mem{Base: at, Disp: term(sum, 2, k)}, high)
				if v.wide() {
					m := K()
					VPCMPGTD(place, lane, m)
					v.choose(m, middle, high, high)
				} else {
					m := YMM()
					VPCMPGTD(place, lane, m)
					v.choose(m, middle, high, high)
				}
				VMOVUPS(high, Mem{Base: row, Disp: splitRows + 64*k + 128*sum})
			}
		}
		VPADDD(one, place, place)
		ADDQ(Imm(4), at)
		ADDQ(U32(256), row)
		DECQ(left)
		JNZ(LabelRef(next))

		// add adds what a weight adds, in four pairs of shifts: of the first
		// eight the first shift counts, of the others the second.
		half, other := GP64(), GP64()
		add := func(sums [8]VecVirtual, weight GPVirtual, at func(shift func(Mem) Mem, sum int, total VecVirtual)) {
			MOVQ(Mem{Base: weight, Disp: splitHalves}, half)
			MOVQ(U32(64), other)
			SUBQ(half, other)
			for pair := range 4 {
				for sum := range 2 {
					at(func(m Mem) Mem {
						switch pair {
						case 1:
							m.Index, m.Scale = half, 1
						case 2:
							m.Index, m.Scale = other, 1
						case 3:
							m.Disp += 64
						}
						return m
					}, sum, sums[4*sum+pair])
				}
			}
		}
		var low, all [8]VecVirtual
		for i := range low {
			low[i], all[i] = v.reg(), v.reg()
		}
		lows := GP64()
		MOVQ(space, lows)
		for i := range low {
			v.clear(all[0])
			VMOVUPS(all[0], v.lowSum(space, i))
		}
		first := v.zero()
		XORQ(left, left)
		MOVQ(U32(0), row)
		border, inner, sized := label("border"), label("inner"), label("sized")
		count += 4 * (from + v.n)
		weight, begin := GP64(), GP64()
		MOVQ(space, begin)
		MOVQ(space, at)
		Label(border)
		for i := range all {
			VMOVUPS(v.lowSum(space, i), all[i])
		}
		MOVQ(begin, row)
		LEAQ(Mem{Base: space, Index: left, Scale: 8}, weight)
		n := GP64()
		MOVQ(U32(16), n)
		SUBQ(left, n)
		JZ(LabelRef(sized))
		Label(inner)
		add(all, weight, func(shift func(Mem) Mem, sum int, total VecVirtual) {
			VADDPS(shift(Mem{Base: row, Disp: splitRows + 128*sum}), total, total)
		})
		ADDQ(Imm(8), weight)
		ADDQ(U32(256), row)
		DECQ(n)
		JNZ(LabelRef(inner))
		Label(sized)
		var scores []VecVirtual
		for pair := range 4 {
			v.reciprocal(all[4+pair], all[4+pair])
			VMULPS(all[pair], all[pair], all[pair])
			VMULPS(all[4+pair], all[pair], all[pair])
			scores = append(scores, all[pair])
		}
		v.keepFrom(lane, first, scores...)
		for pair, s := range scores {
			VMAXPS(s, best, best)
			VMOVUPS(s, Mem{Base: score, Disp: 4 * v.n * pair})
		}
		ADDQ(U32(16*v.n), score)
		VPADDD(one, first, first)
		CMPQ(left, U32(16))
		done := label("done")
		JE(LabelRef(done))
		// The weight passes before the first border.
		for i := range low {
			VMOVUPS(v.lowSum(space, i), all[i])
		}
		LEAQ(Mem{Base: space, Index: left, Scale: 8}, weight)
		add(all, weight, func(shift func(Mem) Mem, sum int, total VecVirtual) {
			m := shift(Mem{Base: at, Disp: term(sum, 0, 0)})
			if m.Index == nil && m.Disp != term(sum, 0, 0) {
				m.Disp = term(sum, 0, 1)
			} else if m.Index != nil {
				m.Scale = 2 // shifts are two rows apart here
			}
			t := v.reg()
			VBROADCASTSS(m, t)
			VADDPS(t, total, total)
		})
		for i := range low {
			VMOVUPS(all[i], v.lowSum(space, i))
		}
		ADDQ(Imm(4), at)
		ADDQ(U32(256), begin)
		INCQ(left)
		CMPQ(left, U32(from+v.n))
		JL(LabelRef(border))
		Label(done)
	}
	v.pick(space, count, best)
}

// lowSum is where sums of what is before the first border are kept.
func (v isa) lowSum(space GPVirtual, i int) Mem {
	return Mem{Base: space, Disp: splitFound + 64*i}
}

// ranks emits the places of weights among all in ascending order.
func ranks() {
	v := avx2
	function("ranksAVX2", "func(x *float32, n int, order *uint8) (unordered int)",
		"ranksAVX2 equals sortedOrder for 16 or 32 weights. If one of them is NaN, unordered is not 0 and the order none.")
	x, n, order := param("x"), param("n"), param("order")
	const most = 4
	var values, places [most]VecVirtual
	short := label("short")
	for i := range most {
		values[i], places[i] = YMM(), v.zero()
	}
	for i := range 2 {
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, values[i])
	}
	CMPQ(n, Imm(16))
	JE(LabelRef(short))
	for i := 2; i < most; i++ {
		VMOVUPS(Mem{Base: x, Disp: 32 * i}, values[i])
	}
	compare := func(j, vectors int) {
		y, m, also := YMM(), YMM(), YMM()
		VBROADCASTSS(Mem{Base: x, Disp: 4 * j}, y)
		for i := range vectors {
			switch {
			case i > j/8:
				VCMPPS(lessOrEqual, values[i], y, m)
			case i < j/8:
				VCMPPS(less, values[i], y, m)
			default:
				VCMPPS(less, values[i], y, m)
				VCMPPS(lessOrEqual, values[i], y, also)
				VBLENDPS(Imm(uint64(0xfe<<(j%8)&0xff)), also, m, m)
			}
			VPSUBD(m, places[i], places[i])
		}
	}
	put := func(vectors int) {
		unordered := values[0]
		VCMPPS(U8(3), values[0], values[0], unordered)
		for _, x := range values[1:vectors] {
			VCMPPS(U8(3), x, x, x)
			VORPS(x, unordered, unordered)
		}
		bits := GP32()
		VMOVMSKPS(unordered, bits)
		Store(bits.As64(), ReturnIndex(0))
		place := GP64()
		t := XMM()
		for i := range vectors {
			for h := range 2 {
				VEXTRACTI128(Imm(uint64(h)), places[i].AsY(), t)
				for j := range 4 {
					VPEXTRD(Imm(uint64(j)), t, place.As32())
					MOVB(U8(8*i+4*h+j), Mem{Base: order, Index: place, Scale: 1})
				}
			}
		}
		VZEROUPPER()
		RET()
	}
	for j := range 32 {
		compare(j, most)
	}
	put(most)
	Label(short)
	for j := range 16 {
		compare(j, 2)
	}
	put(2)
}

// closest emits the search for the nearest of many neighbours.
func (v isa) closest() {
	function("closest"+v.suffix, "func(x, w, value *float32, scale float32, near *uint16, n int) (place int)",
		"closest"+v.suffix+" equals the search of lattice.closest among n neighbours of eight coordinates, of which it returns the place.")
	x, w, value, near, n := param("x"), param("w"), param("value"), param("near"), param("n")
	values, s := v.reg(), v.reg()
	if v.wide() {
		VBROADCASTF32X4(Mem{Base: value}, values)
	} else {
		VBROADCASTF128(Mem{Base: value}, values)
	}
	VBROADCASTSS(NewParamAddr("scale", 24), s)
	VMULPS(s, values, values)
	var costs [8]VecVirtual
	for c := range costs {
		e, u := v.reg(), v.reg()
		VBROADCASTSS(Mem{Base: x, Disp: 4 * c}, e)
		VSUBPS(e, values, e)
		VBROADCASTSS(Mem{Base: w, Disp: 4 * c}, u)
		VMULPS(e, u, u)
		VMULPS(e, u, u)
		costs[c] = u
	}
	best, where := v.reg(), v.zero()
	VBROADCASTSS(constant32(float(math.MaxFloat32)), best)
	places := v.reg()
	VMOVUPS(iota16(), places)
	step := v.constant(uint32(v.n))
	limit := v.spread(n)
	next := label("next")
	Label(next)
	keys, sum, t := v.reg(), v.reg(), v.reg()
	VPMOVZXWD(Mem{Base: near}, keys)
	VPERMILPS(keys, costs[0], sum)
	for c := 1; c < 8; c++ {
		VPSRLD(U8(2*c), keys, t)
		VPERMILPS(t, costs[c], t)
		VADDPS(t, sum, sum)
	}
	less := v.where(less, sum, best)
	if v.wide() {
		k := K()
		VPCMPGTD(places, limit, k)
		less = v.both(less, k)
	} else {
		VPCMPGTD(places, limit, t)
		VPAND(t, less, less)
	}
	v.choose(less, sum, best, best)
	v.choose(less, places, where, where)
	VPADDD(step, places, places)
	ADDQ(U32(2*v.n), near)
	SUBQ(U32(v.n), n)
	JG(LabelRef(next))
	lowest := v.reg()
	VMOVAPS(best, lowest)
	v.least(lowest)
	VBROADCASTSS(constant32(math.MaxInt32), t)
	v.choose(v.where(equal, best, lowest), where, t, where)
	v.fold(where, VPMINUD)
	place := GP32()
	VMOVD(where.AsX(), place)
	Store(place.As64(), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
