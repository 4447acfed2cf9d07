package model

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxName is the longest name of a tensor, in bytes. Real names stay below two
// hundred; a longer one is there to hurt whoever prints it.
const MaxName = 4096

// The rules that CheckName holds names to.
const (
	ruleNameUTF8    = "a name must be valid UTF-8"
	ruleNameControl = "a name must not contain control characters"
	ruleNameLong    = "a name is too long"
)

// CheckName returns an error unless name, found at offset in file, may be shown
// as it is: valid UTF-8 of at most [MaxName] bytes, without control characters
// (C0, DEL, C1), line separators, and marks that reverse the writing direction.
// Such names exist to move the cursor or to look like other names. The error
// quotes the name, so that it is safe to print.
func CheckName(file string, offset int64, name string) error {
	if len(name) > MaxName {
		return &Error{
			File: file, Offset: offset, Rule: ruleNameLong,
			Found: fmt.Sprintf("%d bytes, at most %d", len(name), MaxName),
		}
	}
	at := unsafeRune(name)
	if at < 0 {
		return nil
	}
	rule := ruleNameControl
	if r, n := utf8.DecodeRuneInString(name[at:]); r == utf8.RuneError && n == 1 {
		rule = ruleNameUTF8
	}
	return &Error{File: file, Offset: offset, Rule: rule, Found: fmt.Sprintf("%q", name)}
}

// unsafeRune returns the index of the first byte of s that is not valid UTF-8
// or begins a character that a terminal would obey instead of showing, or -1.
func unsafeRune(s string) int {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf { // nearly every name is ASCII throughout
			if c < ' ' || c == 0x7f {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || unicode.Is(obeyed, r) {
			return i
		}
		i += n
	}
	return -1
}

// obeyed lists the characters above ASCII that act on the text around them: C1
// controls, line and paragraph separators, bidirectional marks, embeddings,
// overrides and isolates.
var obeyed = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0080, Hi: 0x009f, Stride: 1},
		{Lo: 0x061c, Hi: 0x061c, Stride: 1},
		{Lo: 0x200e, Hi: 0x200f, Stride: 1},
		{Lo: 0x2028, Hi: 0x202e, Stride: 1},
		{Lo: 0x2066, Hi: 0x2069, Stride: 1},
	},
	LatinOffset: 1,
}
