package quant

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
)

// value is a value of JSON as it stands in its line.
type value []byte

var (
	errJSON   = errors.New("it is no object of JSON")
	errText   = errors.New("a text")
	errCount  = errors.New("a whole number, 0 or more")
	errSum    = errors.New("a number, 0 or more")
	errNumber = errors.New("a number or null")
	errTruth  = errors.New("true or false")
	errDigest = errors.New("a digest, 32 hexadecimal digits")
)

// eachMember calls member for each key of the object that line is, and its value,
// both parts of the line. member returns the key that it expects next, in quotes
// and with its colon, or "". It takes what encoding/json takes, at a tenth
// of the time: there may be a million lines.
func eachMember(line []byte, next string, member func(key []byte, v value) (next string, err error)) error {
	s := lineScanner{line, 0}
	if !s.take('{') {
		return errJSON
	}
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return errJSON
		}
		key, ok := s.key(next)
		if !ok {
			return errJSON
		}
		s.space()
		v, ok := s.value()
		if !ok {
			return errJSON
		}
		var err error
		if next, err = member(key, v); err != nil {
			return err
		}
	}
	if s.space(); s.at < len(line) {
		return errJSON
	}
	return nil
}

// lineScanner cuts a line of JSON into its parts.
type lineScanner struct {
	b  []byte
	at int
}

func (s *lineScanner) space() {
	for s.at < len(s.b) {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take skips space and c; it reports false where something else stands.
func (s *lineScanner) take(c byte) bool {
	s.space()
	if s.at >= len(s.b) || s.b[s.at] != c {
		return false
	}
	s.at++
	return true
}

// key reads a key and its colon; expected is what it probably is.
func (s *lineScanner) key(expected string) ([]byte, bool) {
	if n := len(expected); n > 0 && len(s.b)-s.at >= n && string(s.b[s.at:s.at+n]) == expected {
		s.at += n
		return s.b[s.at-n+1 : s.at-2], true
	}
	s.space()
	text, ok := s.quoted()
	if !ok || !s.take(':') {
		return nil, false
	}
	var key []byte
	err := value(text).text(&key)
	return key, err == nil
}

// quoted cuts a text, its quotes with it.
func (s *lineScanner) quoted() ([]byte, bool) {
	begin := s.at
	if begin >= len(s.b) || s.b[begin] != '"' {
		return nil, false
	}
	escaped := false
	for i := begin + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.at = i + 1
			text := s.b[begin:s.at]
			return text, !escaped || json.Valid(text)
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false
		}
	}
	return nil, false
}

// value cuts a value of any kind.
func (s *lineScanner) value() (value, bool) {
	if s.at >= len(s.b) {
		return nil, false
	}
	begin := s.at
	switch s.b[begin] {
	case '"':
		return s.quoted()
	case '{', '[': // of someone else: where it ends is not worth a parser of our own
		d := json.NewDecoder(bytes.NewReader(s.b[begin:]))
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, false
		}
		s.at = begin + int(d.InputOffset())
		return value(raw), true
	}
	if c := s.b[begin]; c == '-' || '0' <= c && c <= '9' {
		return s.number()
	}
	for _, word := range []string{"null", "true", "false"} {
		if n := len(word); len(s.b)-begin >= n && string(s.b[begin:begin+n]) == word {
			s.at += n
			return s.b[begin:s.at], true
		}
	}
	return nil, false
}

// number cuts a number as JSON has them.
func (s *lineScanner) number() (value, bool) {
	begin := s.at
	if s.b[s.at] == '-' {
		s.at++
	}
	zero := s.at < len(s.b) && s.b[s.at] == '0'
	if n := s.digits(); n == 0 || zero && n > 1 {
		return nil, false
	}
	if s.at < len(s.b) && s.b[s.at] == '.' {
		s.at++
		if s.digits() == 0 {
			return nil, false
		}
	}
	if s.at < len(s.b) && s.b[s.at]|' ' == 'e' {
		if s.at++; s.at < len(s.b) && (s.b[s.at] == '+' || s.b[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			return nil, false
		}
	}
	return s.b[begin:s.at], true
}

// digits skips digits and returns how many there were.
func (s *lineScanner) digits() int {
	begin := s.at
	for s.at < len(s.b) && '0' <= s.b[s.at] && s.b[s.at] <= '9' {
		s.at++
	}
	return s.at - begin
}

func (v value) null() bool { return string(v) == "null" }

func (v value) text(to *[]byte) error {
	if v[0] != '"' {
		return errText
	}
	if bytes.IndexByte(v, '\\') < 0 {
		*to = v[1 : len(v)-1]
		return nil
	}
	var text string
	if json.Unmarshal(v, &text) != nil {
		return errText
	}
	*to = []byte(text)
	return nil
}

// count reads a whole number; some programs write them as 12.0.
func (v value) count(to *int64) error {
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		x, e := strconv.ParseFloat(string(v), 64)
		if n = int64(x); e != nil || x > 1<<53 || float64(n) != x {
			return errCount
		}
	}
	if n < 0 {
		return errCount
	}
	*to = n
	return nil
}

// sum reads a number that is not negative. Null, of one that grew infinite, is none:
// it must not pass for 0.
func (v value) sum(to *float64) error {
	if err := v.number(to); err != nil || v.null() || *to < 0 {
		return errSum
	}
	return nil
}

// weighted reads a sum that is null where no importance weighs it.
func (v value) weighted(to *float64) error {
	if v.null() {
		return nil
	}
	return v.sum(to)
}

// number reads a number; null leaves it as it is.
func (v value) number(to *float64) error {
	if v.null() {
		return nil
	}
	x, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return errNumber
	}
	*to = x
	return nil
}

func (v value) truth(to *bool) error {
	*to = string(v) == "true"
	if !*to && string(v) != "false" {
		return errTruth
	}
	return nil
}

func (v value) digest(to *Digest) error {
	if v.null() {
		return nil
	}
	if len(v) != 2*len(to)+2 || v[0] != '"' {
		return errDigest
	}
	if _, err := hex.Decode(to[:], v[1:len(v)-1]); err != nil {
		return errDigest
	}
	return nil
}
