package quant

import (
	"slices"
	"strings"
)

// maxMatches bounds how often joining rules matches a name: some tenths of a
// second. Thousands of rules stay apart.
const maxMatches = 4 << 20

// join replaces two rules of one scheme by one that matches both, as long as that
// changes no tensor's scheme.
func (c *compression) join() {
	c.hits = make([][]bool, len(c.plan.Rules))
	for i, r := range c.plan.Rules {
		c.hits[i] = c.hit(r.Glob)
	}
	for i := 0; i < len(c.plan.Rules); i++ {
		for j := i + 1; j < len(c.plan.Rules) && c.matches < maxMatches; {
			if !c.joined(i, j) {
				j++
			} else {
				j = i + 1 // the wider rule may take in what the narrow one could not
			}
		}
	}
}

// joined joins the rules i and j, if it can.
func (c *compression) joined(i, j int) bool {
	rules := c.plan.Rules
	c.matches++ // of two globs with each other
	if rules[i].Choice != rules[j].Choice {
		return false
	}
	for _, glob := range unions(rules[i].Glob, rules[j].Glob) {
		for _, at := range []int{i, j} {
			if c.holds(glob, at, i+j-at) {
				rules[at].Glob, c.hits[at] = glob, c.hit(glob)
				c.plan.Rules = slices.Delete(rules, i+j-at, i+j-at+1)
				c.hits = slices.Delete(c.hits, i+j-at, i+j-at+1)
				return true
			}
		}
	}
	return false
}

// hit returns which of the tensors glob matches.
func (c *compression) hit(glob string) []bool {
	list := make([]bool, len(c.tensors))
	for n, t := range c.tensors {
		list[n] = Match(glob, t.Name)
	}
	return list
}

// holds reports whether every tensor that glob matches keeps its scheme if the
// rule at has that glob and the rule without is gone.
func (c *compression) holds(glob string, at, without int) bool {
	for n, t := range c.tensors {
		c.matches++
		if !Match(glob, t.Name) || !Quantizable(t) {
			continue
		}
		// The last other rule that matches, where that is after the new one, decides.
		decides := at
		for r := len(c.plan.Rules) - 1; r > at; r-- {
			c.matches++
			if r != without && c.hits[r][n] {
				decides = r
				break
			}
		}
		if c.plan.Rules[decides].on(t.Shape) != c.schemes[n] {
			return false
		}
	}
	return true
}

// unions returns globs that match whatever a or b matches, the narrowest first: of
// two that differ in one character or class, the class of both; of others, a star
// where they differ, after the class of their first characters if that is enough.
func unions(a, b string) []string {
	x, y := glyphs(a), glyphs(b)
	front := 0
	for front < min(len(x), len(y)) && x[front] == y[front] {
		front++
	}
	back := 0
	for back < min(len(x), len(y))-front && x[len(x)-1-back] == y[len(y)-1-back] {
		back++
	}
	p, q := x[front:len(x)-back], y[front:len(y)-back]
	before, after := strings.Join(x[:front], ""), strings.Join(x[len(x)-back:], "")
	var list []string
	if len(p) == 1 && len(q) == 1 {
		if class := classOf(p[0], q[0]); class != "" {
			list = append(list, before+class+after)
		}
	}
	if !strings.Contains(before+after, ".") {
		return list // names that have little in common
	}
	if len(p) > 0 && len(q) > 0 && len(p)+len(q) > 2 {
		if class := classOf(p[0], q[0]); class != "" {
			list = append(list, before+class+"*"+after)
		}
	}
	return append(list, before+"*"+after)
}

// glyphs cuts a glob into what matches one character, or a star any.
func glyphs(glob string) []string {
	var list []string
	for glob != "" {
		n := 1
		switch glob[0] {
		case '\\':
			n = min(2, len(glob))
		case '[':
			n = strings.IndexByte(glob, ']') + 1
		default:
			for n < len(glob) && glob[n]&0xC0 == 0x80 { // the rest of a rune
				n++
			}
		}
		list = append(list, glob[:n])
		glob = glob[n:]
	}
	return list
}

// classOf returns the class of the characters of two glyphs, "" if they are not
// letters and digits.
func classOf(a, b string) string {
	var set [128]bool
	for _, g := range []string{a, b} {
		g = strings.TrimSuffix(strings.TrimPrefix(g, "["), "]")
		for i := 0; i < len(g); i++ {
			if !plain(g[i]) {
				return ""
			}
			if i+2 < len(g) && g[i+1] == '-' && plain(g[i+2]) {
				for ch := g[i]; ch <= g[i+2]; ch++ {
					set[ch] = true
				}
				i += 2
				continue
			}
			set[g[i]] = true
		}
	}
	var d digits
	var letters strings.Builder
	for ch := range set {
		switch {
		case !set[ch]:
		case ch >= '0' && ch <= '9':
			d |= 1 << (ch - '0')
		default:
			letters.WriteByte(byte(ch))
		}
	}
	numbers := ""
	if d != 0 {
		numbers = strings.Trim(d.class(), "[]")
	}
	return "[" + numbers + letters.String() + "]"
}

func plain(ch byte) bool {
	return ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z'
}
