package export

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// selector is a regular expression, in the syntax that RE2, ECMAScript and Python
// share, and what all names that it matches are given.
type selector struct{ pattern, value string }

// place is a name but for the number of its layer.
type place struct {
	before, after string // with the dots
	numbered      bool
}

// maxLayer bounds the numbers that are taken for those of layers.
const maxLayer = 1 << 20

// placed returns the place of a name, and the number that is cut out: the first
// part between dots that is one.
func placed(name string) (p place, layer int) {
	at := 0
	for part := range strings.SplitSeq(name, ".") {
		if n, ok := number(part); ok {
			return place{name[:at], name[at+len(part):], true}, n
		}
		at += len(part) + 1
	}
	return place{before: name}, 0
}

func number(part string) (n int, ok bool) {
	n, err := strconv.Atoi(part)
	return n, err == nil && 0 <= n && n < maxLayer && strconv.Itoa(n) == part
}

// uncounted reports whether [0-9]+ matches a part of name that is no number of a
// layer, as 007.
func uncounted(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if _, ok := number(part); !ok && part != "" && strings.Trim(part, "0123456789") == "" {
			return true
		}
	}
	return false
}

// selection is names that share a selector, but for what follows their number.
type selection struct {
	late   bool // of what earlier selectors may have taken
	value  string
	before string
	layers string // as a part of a regular expression, "" for names without a number
}

// selectors returns selectors for names, of which the i-th has the value values[i]:
// names of the value none are matched by no selector, every other one by one of its
// value, and unless ordered by no other. If ordered, the first that matches decides,
// so that what most layers have needs no list of them: it comes after the
// exceptions. Names that share a value and layers share a selector. A pattern may
// match a part of a name, unless whole.
func selectors(names, values []string, none string, ordered, whole bool) []selector {
	layers := map[place]map[string][]int{}
	for i, name := range names {
		p, layer := placed(name)
		if layers[p] == nil {
			layers[p] = map[string][]int{}
		}
		layers[p][values[i]] = append(layers[p][values[i]], layer)
	}
	listed := slices.ContainsFunc(names, uncounted)
	afters := map[selection][]string{}
	for p, by := range layers {
		most := ""
		if _, free := by[none]; !listed && (len(by) == 1 || ordered && !free) {
			most = mostFrequent(by)
		}
		for value, numbers := range by {
			s := selection{value: value, before: p.before}
			switch {
			case value == none:
				continue
			case !p.numbered:
				s.before = ""
				afters[s] = append(afters[s], p.before)
				continue
			case value == most:
				s.layers, s.late = "[0-9]+", ordered
			default:
				s.layers = alternatives(numbers)
			}
			afters[s] = append(afters[s], p.after)
		}
	}
	order := slices.SortedFunc(maps.Keys(afters), func(a, b selection) int {
		return cmp.Or(
			compareBool(a.late, b.late), cmp.Compare(a.value, b.value),
			cmp.Compare(a.before, b.before), cmp.Compare(a.layers, b.layers),
		)
	})
	var list []selector
	for _, s := range order {
		text := regexp.QuoteMeta(s.before) + s.layers + oneOf(afters[s])
		if whole || s.layers == "" {
			text = "^" + text + "$"
		}
		list = append(list, selector{text, s.value})
	}
	return list
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// mostFrequent returns the value that most layers have.
func mostFrequent(by map[string][]int) string {
	return slices.MaxFunc(slices.Sorted(maps.Keys(by)), func(a, b string) int { return cmp.Compare(len(by[a]), len(by[b])) })
}

// oneOf returns the regular expression of one of several texts; a beginning and an
// end that they share stand outside the brackets.
func oneOf(texts []string) string {
	slices.Sort(texts)
	head, tail := texts[0], texts[0]
	for _, t := range texts[1:] {
		for !strings.HasPrefix(t, head) {
			head = head[:len(head)-1]
		}
	}
	head = head[:strings.LastIndex(head, ".")+1] // whole words stay together
	if len(texts) == 1 {
		return regexp.QuoteMeta(texts[0])
	}
	tail = tail[len(head):]
	for _, t := range texts[1:] {
		for !strings.HasSuffix(t[len(head):], tail) {
			tail = tail[1:]
		}
	}
	if i := strings.Index(tail, "."); i >= 0 {
		tail = tail[i:]
	} else {
		tail = ""
	}
	var middle []string
	for _, t := range texts {
		middle = append(middle, regexp.QuoteMeta(t[len(head):len(t)-len(tail)]))
	}
	return regexp.QuoteMeta(head) + "(" + strings.Join(middle, "|") + ")" + regexp.QuoteMeta(tail)
}

// alternatives returns a regular expression, in brackets if need be, that matches
// the decimal numbers given and no other: numbers with the same last digits share
// an alternative, so that 0 to 29 are [12]?[0-9].
func alternatives(numbers []int) string {
	list := choices(numbers)
	if len(list) == 1 {
		return list[0]
	}
	return "(" + strings.Join(list, "|") + ")"
}

func choices(numbers []int) []string {
	digits := map[int]uint16{} // by what stands before the last digit
	for _, n := range numbers {
		digits[n/10] |= 1 << (n % 10)
	}
	before := map[uint16][]int{}
	for n, set := range digits {
		before[set] = append(before[set], n)
	}
	sets := slices.SortedFunc(maps.Keys(before), func(a, b uint16) int {
		return cmp.Compare(slices.Min(before[a]), slices.Min(before[b]))
	})
	var list []string
	for _, set := range sets {
		starts := before[set]
		alone := slices.Contains(starts, 0)
		starts = slices.DeleteFunc(starts, func(n int) bool { return n == 0 })
		if len(starts) == 0 {
			list = append(list, digitClass(set))
			continue
		}
		text := alternatives(starts)
		switch {
		case alone && slices.Max(starts) < 10: // one class
			text += "?"
		case alone:
			text = "(" + text + ")?"
		}
		list = append(list, text+digitClass(set))
	}
	return list
}

// digitClass returns the class of the digits of a set, which is not empty: a range
// where they follow one another, else all of them, since nobody reads [0-27] as 0, 1,
// 2 and 7.
func digitClass(set uint16) string {
	first, end := bits.TrailingZeros16(set), bits.Len16(set)-1
	n := bits.OnesCount16(set)
	if n > 2 && n == end-first+1 {
		return fmt.Sprintf("[%d-%d]", first, end)
	}
	var b strings.Builder
	for d := range 10 {
		if set>>d&1 != 0 {
			b.WriteByte(byte('0' + d))
		}
	}
	if n == 1 {
		return b.String()
	}
	return "[" + b.String() + "]"
}

// says reports whether selectors, of which the first that matches decides, give
// every name its value, and none to those without a match.
func says(list []selector, names, values []string, none string) bool {
	compiled := make([]*regexp.Regexp, len(list))
	for i, s := range list {
		compiled[i] = regexp.MustCompile(s.pattern)
	}
	for i, name := range names {
		value := none
		if at := slices.IndexFunc(compiled, func(re *regexp.Regexp) bool { return re.MatchString(name) }); at >= 0 {
			value = list[at].value
		}
		if value != values[i] {
			return false
		}
	}
	return true
}
