package tui

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bitdial/bitdial/quant/model"
)

// nameCut is what names of layers may do without where room is short: the
// folders that most of a model's names begin with. The suffix of weights says
// nothing either.
type nameCut struct {
	prefix string
	widest int // columns of the longest name without these
}

const weightSuffix = ".weight"

func newNameCut(tensors []*model.Tensor) nameCut {
	c := nameCut{prefix: commonPrefix(tensors)}
	for _, t := range tensors {
		c.widest = max(c.widest, textWidth(c.core(t.Name)))
	}
	return c
}

// core returns name without what says nothing.
func (c nameCut) core(name string) string {
	return strings.TrimPrefix(strings.TrimSuffix(name, weightSuffix), c.prefix)
}

// commonPrefix finds the dotted beginning that more than half of the names share,
// up to the first number.
func commonPrefix(tensors []*model.Tensor) string {
	prefix := ""
	for {
		counts := map[string]int{}
		for _, t := range tensors {
			rest, ok := strings.CutPrefix(t.Name, prefix)
			if part, _, dotted := strings.Cut(rest, "."); ok && dotted {
				counts[part]++
			}
		}
		next := ""
		for part, n := range counts {
			if 2*n > len(tensors) && !strings.ContainsFunc(part, unicode.IsDigit) {
				next = part
			}
		}
		// What stands before a number names the repeated part: it stays.
		if next == "" || numbered(tensors, prefix+next+".") {
			return prefix
		}
		prefix += next + "."
	}
}

// numbered reports whether a name goes on with a digit after prefix.
func numbered(tensors []*model.Tensor, prefix string) bool {
	for _, t := range tensors {
		if rest, ok := strings.CutPrefix(t.Name, prefix); ok && rest != "" && unicode.IsDigit(rune(rest[0])) {
			return true
		}
	}
	return false
}

// short returns name in at most w columns: whole if it fits, else without what
// says nothing. Where not all names of the model fit so, they begin with the number
// of their layer, and what is too long is cut after that, or in the middle.
func (c nameCut) short(name string, w int) string {
	if textWidth(name) <= w {
		return name
	}
	kept := c.core(name)
	if kept == "" {
		kept = name
	}
	at := strings.IndexFunc(kept, unicode.IsDigit)
	if at < 0 || c.widest <= w {
		return cutMiddle(kept, w)
	}
	if end := strings.IndexByte(kept[at:], '.'); end > 0 { // layers.11.self_attn.q_proj: 11…attn.q_proj
		number, rest := kept[at:at+end], kept[at+end:]
		if room := w - textWidth(number); room >= 8 {
			return number + cutStart(rest, room)
		}
	}
	return cutMiddle(kept, w)
}

// cutStart returns s, shortened to w columns by an ellipsis at its beginning.
func cutStart(s string, w int) string {
	if textWidth(s) <= w {
		return s
	}
	for s != "" && textWidth(s) >= w {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	return ellipsis + s
}
