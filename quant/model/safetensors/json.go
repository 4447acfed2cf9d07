package safetensors

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/bitdial/bitdial/quant/model"
)

// scanner reads JSON from b, which starts at offset base of file, as RFC 8259
// has it. It differs from encoding/json in what a header needs: every name is
// seen, the second of a kind too, a whole number is not a float on its way, the
// place of each error is known, and nothing is allocated.
type scanner struct {
	file string
	base int64
	b    []byte
	pos  int
	text []byte // the last string that had escapes

	python bool // NaN and Infinity are numbers, as Python's json writes them
}

// fail returns the error that rule is broken at position at of b.
func (s *scanner) fail(at int, rule, format string, args ...any) error {
	return &model.Error{File: s.file, Offset: s.base + int64(at), Rule: rule, Found: fmt.Sprintf(format, args...)}
}

// space skips white space and returns the byte after it, 0 at the end.
func (s *scanner) space() byte {
	for ; s.pos < len(s.b); s.pos++ {
		if c := s.b[s.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// expected returns the error that something else stands here than what.
func (s *scanner) expected(rule, what string) error {
	if s.pos >= len(s.b) {
		return s.fail(s.pos, rule, "it ends where %s should be", what)
	}
	return s.fail(s.pos, rule, "%q where %s should be", s.b[s.pos], what)
}

// object reads an object and calls member for each of its keys, with the
// position of the key, to read the value. The key is valid until the scanner
// moves on. Anything but an object breaks rule.
func (s *scanner) object(rule string, member func(key []byte, at int) error) error {
	if s.space() != '{' {
		return s.expected(rule, "an object")
	}
	s.pos++
	if s.space() == '}' {
		s.pos++
		return nil
	}
	for {
		at := s.pos
		if s.space() == '"' {
			at = s.pos
		}
		key, err := s.string(ruleJSON)
		if err != nil {
			return err
		}
		if s.space() != ':' {
			return s.expected(ruleJSON, "':'")
		}
		s.pos++
		if err := member(key, at); err != nil {
			return err
		}
		if more, err := s.more('}'); err != nil || !more {
			return err
		}
	}
}

// array reads an array and calls element to read each of its values. Anything
// but an array breaks rule.
func (s *scanner) array(rule string, element func() error) error {
	if s.space() != '[' {
		return s.expected(rule, "a list")
	}
	s.pos++
	if s.space() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if more, err := s.more(']'); err != nil || !more {
			return err
		}
	}
}

// more reads the comma before another value, or the bracket that closes.
func (s *scanner) more(closing byte) (bool, error) {
	switch s.space() {
	case ',':
		s.pos++
		return true, nil
	case closing:
		s.pos++
		return false, nil
	}
	return false, s.expected(ruleJSON, fmt.Sprintf("',' or '%c'", closing))
}

// string reads a string. What it returns is valid until the scanner moves on.
// Anything but a string breaks rule.
func (s *scanner) string(rule string) ([]byte, error) {
	if s.space() != '"' {
		return nil, s.expected(rule, "a string")
	}
	s.pos++
	start, ascii := s.pos, true
	for ; s.pos < len(s.b); s.pos++ {
		switch c := s.b[s.pos]; {
		case c == '"':
			text := s.b[start:s.pos]
			s.pos++
			if !ascii && !utf8.Valid(text) {
				return nil, s.fail(start, ruleUTF8, "%.64q", text)
			}
			return text, nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, s.expected(ruleJSON, "no control character")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, s.expected(ruleJSON, "'\"'")
}

// escaped reads the rest of a string that begins at start and has its first
// escape here.
func (s *scanner) escaped(start int) ([]byte, error) {
	s.text = append(s.text[:0], s.b[start:s.pos]...)
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '"':
			s.pos++
			if !utf8.Valid(s.text) {
				return nil, s.fail(start, ruleUTF8, "%.64q", s.text)
			}
			return s.text, nil
		case c < ' ':
			return nil, s.expected(ruleJSON, "no control character")
		case c != '\\':
			s.text = append(s.text, c)
			s.pos++
		default:
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			s.text = utf8.AppendRune(s.text, r)
		}
	}
	return nil, s.expected(ruleJSON, "'\"'")
}

// escape reads what a backslash introduces. Half a surrogate pair is an error:
// the character that it stands for does not exist.
func (s *scanner) escape() (rune, error) {
	at := s.pos
	s.pos++
	if s.pos >= len(s.b) {
		return 0, s.expected(ruleJSON, "an escape")
	}
	c := s.b[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, ok := s.hex()
		if ok && utf16.IsSurrogate(r) {
			var low rune
			if s.pos+2 <= len(s.b) && s.b[s.pos] == '\\' && s.b[s.pos+1] == 'u' {
				s.pos += 2
				low, ok = s.hex()
			}
			r = utf16.DecodeRune(r, low)
			ok = ok && r != utf8.RuneError
		}
		if ok {
			return r, nil
		}
	}
	return 0, s.fail(at, ruleJSON, "%q is no escape", s.b[at:min(s.pos, len(s.b))])
}

// hex reads four hexadecimal digits.
func (s *scanner) hex() (rune, bool) {
	var v [2]byte
	if s.pos+4 > len(s.b) {
		return 0, false
	}
	if _, err := hex.Decode(v[:], s.b[s.pos:s.pos+4]); err != nil {
		return 0, false
	}
	s.pos += 4
	return rune(v[0])<<8 | rune(v[1]), true
}

// whole reads a number that is neither negative nor a fraction nor in
// exponents. Anything else breaks rule.
func (s *scanner) whole(rule string) (int64, error) {
	s.space()
	start := s.pos
	var v int64
	for ; s.pos < len(s.b) && digit(s.b[s.pos]); s.pos++ {
		d := int64(s.b[s.pos] - '0')
		if v > (math.MaxInt64-d)/10 {
			return 0, s.fail(start, rule, "a number past 2⁶³")
		}
		v = 10*v + d
	}
	switch {
	case s.pos == start:
		return 0, s.expected(rule, "a whole number")
	case s.pos-start > 1 && s.b[start] == '0':
		return 0, s.fail(start, ruleJSON, "a number that begins with 0")
	case s.pos < len(s.b) && (s.b[s.pos] == '.' || s.b[s.pos]|0x20 == 'e'):
		return 0, s.expected(rule, "the end of a whole number")
	}
	return v, nil
}

// skip reads a value of any kind, nested at most depth deep, and forgets it.
func (s *scanner) skip(depth int) error {
	if depth == 0 {
		return s.fail(s.pos, ruleDepth, "more than %d levels", maxDepth)
	}
	switch c := s.space(); {
	case c == '{':
		return s.object(ruleJSON, func([]byte, int) error { return s.skip(depth - 1) })
	case c == '[':
		return s.array(ruleJSON, func() error { return s.skip(depth - 1) })
	case c == '"':
		_, err := s.string(ruleJSON)
		return err
	case s.unreal():
		return nil
	case c == '-' || digit(c):
		return s.number()
	}
	for _, word := range []string{"null", "true", "false"} {
		if s.word(word) {
			return nil
		}
	}
	return s.expected(ruleJSON, "a value")
}

// word reads w, if it stands here.
func (s *scanner) word(w string) bool {
	if len(s.b)-s.pos < len(w) || string(s.b[s.pos:s.pos+len(w)]) != w {
		return false
	}
	s.pos += len(w)
	return true
}

// unreal reads what JSON has no number for, if one stands here and may.
func (s *scanner) unreal() bool {
	return s.python && slices.ContainsFunc([]string{"NaN", "Infinity", "-Infinity"}, s.word)
}

// number reads a number of any kind.
func (s *scanner) number() error {
	if s.b[s.pos] == '-' {
		s.pos++
	}
	leading := s.pos
	if !s.digits() {
		return s.expected(ruleJSON, "a digit")
	}
	if s.pos-leading > 1 && s.b[leading] == '0' {
		return s.fail(leading, ruleJSON, "a number that begins with 0")
	}
	if s.pos < len(s.b) && s.b[s.pos] == '.' {
		s.pos++
		if !s.digits() {
			return s.expected(ruleJSON, "a digit")
		}
	}
	if s.pos < len(s.b) && s.b[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.b) && (s.b[s.pos] == '+' || s.b[s.pos] == '-') {
			s.pos++
		}
		if !s.digits() {
			return s.expected(ruleJSON, "a digit")
		}
	}
	return nil
}

// digits reads digits and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.b) && digit(s.b[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

// end makes sure that nothing but white space is left.
func (s *scanner) end() error {
	s.space()
	if s.pos < len(s.b) {
		return s.fail(s.pos, ruleAfter, "%q", s.b[s.pos])
	}
	return nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
