package quant

import (
	"path"
	"strings"
)

// Match reports whether the tensor name matches glob: * is any run of
// characters, ? any one, [a-z] one of a set, \ takes the next as it is. Dots
// and slashes are characters like any other. A malformed glob matches nothing;
// [CheckGlob] tells why.
func Match(glob, name string) bool {
	if !strings.ContainsAny(glob, `*?[\`) {
		return glob == name // most rules name one tensor
	}
	// Most names differ from a glob in what both begin or end with.
	for i := 0; i < len(glob) && !special(glob[i]); i++ {
		if i >= len(name) || glob[i] != name[i] {
			return false
		}
	}
	for i, j := len(glob)-1, len(name)-1; i >= 0 && !special(glob[i]); i, j = i-1, j-1 {
		if j < 0 || glob[i] != name[j] {
			return false
		}
	}
	ok, err := path.Match(flat.Replace(glob), flat.Replace(name))
	return ok && err == nil
}

// special reports whether ch may stand for something else in a glob.
func special(ch byte) bool { return ch == '*' || ch == '?' || ch == '[' || ch == ']' || ch == '\\' }

// flat replaces the one character that path.Match sets apart by another that
// no name contains.
var flat = strings.NewReplacer("/", "\x1f")

// CheckGlob returns the error of a malformed glob, such as an open bracket.
func CheckGlob(glob string) error {
	_, err := path.Match(flat.Replace(glob), "")
	return err
}

// Literal returns the glob that matches name alone.
func Literal(name string) string { return escape.Replace(name) }

var escape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// literal returns the one name that glob matches, if it is one that
// [Literal] could have made.
func literal(glob string) (name string, ok bool) {
	if !strings.ContainsAny(glob, `*?[\`) {
		return glob, true
	}
	name = unescape.Replace(glob)
	return name, Literal(name) == glob
}

var unescape = strings.NewReplacer(`\\`, `\`, `\*`, `*`, `\?`, `?`, `\[`, `[`)

// Kind returns the glob of all layers that have the name's place in the
// network: the name with every whole number replaced by a star, so that
// "blk.12.attn_q.weight" gives "blk.*.attn_q.weight". Digits that are part of
// a word, as in "conv2", count as numbers too.
func Kind(name string) string {
	var b strings.Builder
	digits := false
	for _, r := range name {
		if digit := r >= '0' && r <= '9'; digit {
			if !digits {
				b.WriteByte('*')
			}
			digits = true
			continue
		}
		digits = false
		b.WriteString(Literal(string(r)))
	}
	return b.String()
}
