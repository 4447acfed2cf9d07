package quant

import (
	"math/bits"
	"slices"
	"strings"
)

// digits is a set of digits.
type digits uint16

const anyDigit digits = 1<<10 - 1

// class returns the glob of one digit of the set.
func (d digits) class() string {
	if bits.OnesCount16(uint16(d)) == 1 {
		return string(rune('0' + bits.TrailingZeros16(uint16(d))))
	}
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i < 10; {
		run := bits.TrailingZeros16(^uint16(d >> i))
		switch {
		case run == 0:
			i++
			continue
		case run < 3:
			for n := range run {
				b.WriteByte('0' + byte(i+n))
			}
		default:
			b.WriteByte('0' + byte(i))
			b.WriteByte('-')
			b.WriteByte('0' + byte(i+run-1))
		}
		i += run
	}
	b.WriteByte(']')
	return b.String()
}

// coverNumbers returns globs that match all numbers of need and none of avoid:
// one of all where there is nothing to avoid, else classes of the last two
// digits. Numbers in neither are matched or not.
func coverNumbers(need, avoid []string) []string {
	if len(avoid) == 0 {
		return []string{"*"}
	}
	var globs []string
	tables := map[string]*digitTable{}
	var order []string
	for _, n := range need {
		head, ten, one := lastDigits(n)
		if tables[head] == nil {
			tables[head] = new(digitTable)
			order = append(order, head)
		}
		tables[head].need[ten] |= 1 << one
	}
	for _, n := range avoid {
		if head, ten, one := lastDigits(n); tables[head] != nil {
			tables[head].avoid[ten] |= 1 << one
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(a) - len(b) })
	for _, head := range order {
		globs = append(globs, tables[head].globs(head)...)
	}
	return globs
}

// single is the head of numbers of one digit.
const single = ""

// lastDigits returns the two last digits of a number and what is before them, and
// that it has so many: "1" and "+" for numbers of three.
func lastDigits(n string) (head string, ten, one int) {
	one = int(n[len(n)-1] - '0')
	if len(n) == 1 {
		return single, 0, one
	}
	return "+" + n[:len(n)-2], int(n[len(n)-2] - '0'), one
}

// digitTable is numbers by their last two digits: of each ten a set of ones.
type digitTable struct{ need, avoid [10]digits }

// globs covers what a table needs, by the product of two classes that covers the
// most, and so on.
func (t *digitTable) globs(head string) []string {
	var globs []string
	for {
		var tens, ones digits
		most := 0
		for i := range t.need {
			for _, u := range []digits{t.need[i], anyDigit &^ t.avoid[i]} {
				var of, used digits
				covered := 0
				for j, n := range t.need {
					if u&t.avoid[j] == 0 && n&u != 0 {
						of |= 1 << j
						used |= n & u
						covered += bits.OnesCount16(uint16(n & u))
					}
				}
				if covered > most {
					tens, ones, most = of, used, covered
				}
			}
		}
		if most == 0 {
			return globs
		}
		free := bits.OnesCount16(uint16(ones)) > 1
		for j := range t.need {
			if tens&(1<<j) != 0 {
				t.need[j] &^= ones
				free = free && t.avoid[j] == 0
			}
		}
		last := ones.class()
		if free {
			last = "?"
		}
		if head == single {
			globs = append(globs, last)
		} else {
			globs = append(globs, head[1:]+tens.class()+last)
		}
	}
}
