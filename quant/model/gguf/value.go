package gguf

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

const (
	shownItems  = 8       // of an array
	shownBytes  = 64      // of a string in an array
	shownString = 1 << 20 // bytes of a string: more than any template for chats has
	shownText   = 512     // bytes, about, of the text of an array
)

// skip passes over a value and checks it.
func (s *scanner) skip(t Type, depth int) error {
	switch {
	case !t.known():
		return s.fail(s.pos, ruleValueType, "%d", uint32(t))
	case t == String:
		_, err := s.str()
		return err
	case t == Array:
		return s.skipArray(depth + 1)
	}
	return s.skipItems(t, 1)
}

// skipItems passes over n values of a fixed size.
func (s *scanner) skipItems(t Type, n uint64) error {
	at := s.pos
	b, err := s.take(n * uint64(valueTypes[t].size)) // an array's header made sure that this is a number
	if err != nil || t != Bool {
		return err
	}
	for i, truth := range b {
		if truth > 1 {
			return s.fail(at+i, ruleBool, "%d", truth)
		}
	}
	return nil
}

// arrayHead reads the type of an array's elements and how many there are.
func (s *scanner) arrayHead() (Type, uint64, error) {
	at := s.pos
	number, err := s.u32()
	if err != nil {
		return 0, 0, err
	}
	t, least := Type(number), 0
	switch {
	case !t.known():
		return 0, 0, s.fail(at, ruleValueType, "%d, of an array's elements", number)
	case t == String:
		least = s.countBytes()
	case t == Array:
		least = 4 + s.countBytes()
	default:
		least = valueTypes[t].size
	}
	n, err := s.counted(uint64(least))
	return t, n, err
}

func (s *scanner) countBytes() int {
	if s.short {
		return 4
	}
	return 8
}

func (s *scanner) skipArray(depth int) error {
	if depth > maxDepth {
		return s.fail(s.pos, ruleDepth, "at most %d", maxDepth)
	}
	t, n, err := s.arrayHead()
	if err != nil {
		return err
	}
	if valueTypes[t].size > 0 {
		return s.skipItems(t, n)
	}
	for range n { // each takes bytes, so that there cannot be more than the header has
		if err := s.skip(t, depth); err != nil {
			return err
		}
	}
	return nil
}

// text returns a value that was checked, as metadata show it.
func (s *scanner) text(t Type) string {
	switch t {
	case String:
		b, _ := s.str()
		if len(b) > shownString {
			return strings.ToValidUTF8(string(b[:shownString]), "\uFFFD") + "…"
		}
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case Array:
		var out strings.Builder
		s.items(&out)
		return out.String()
	}
	b, _ := s.take(uint64(valueTypes[t].size))
	return number(t, littleEndian(b, s.big))
}

// items writes the first elements of an array.
func (s *scanner) items(out *strings.Builder) {
	t, n, _ := s.arrayHead()
	out.WriteByte('[')
	for i := range n {
		if i > 0 {
			out.WriteString(", ")
		}
		if i == shownItems || out.Len() > shownText {
			out.WriteString("…")
			break
		}
		switch t {
		case String:
			b, _ := s.str()
			out.WriteString(quoted(b))
		case Array:
			from := s.pos
			s.items(out)
			s.pos = from // an array that is shown in part is passed over whole
			_ = s.skipArray(0)
		default:
			out.WriteString(s.text(t))
		}
	}
	out.WriteByte(']')
}

// quoted returns the beginning of a string between quotes.
func quoted(b []byte) string {
	if len(b) <= shownBytes {
		return strconv.Quote(string(b))
	}
	cut := bytes.ToValidUTF8(b[:shownBytes], nil) // half a character at the end goes
	return strconv.Quote(string(cut)) + "…"
}

// number returns a number or truth value of at most eight bytes in decimal.
func number(t Type, bits uint64) string {
	switch t {
	case Bool:
		return strconv.FormatBool(bits != 0)
	case Int8:
		return strconv.FormatInt(int64(int8(bits)), 10)
	case Int16:
		return strconv.FormatInt(int64(int16(bits)), 10)
	case Int32:
		return strconv.FormatInt(int64(int32(bits)), 10)
	case Int64:
		return strconv.FormatInt(int64(bits), 10)
	case Float32:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(bits))), 'g', -1, 32)
	case Float64:
		return strconv.FormatFloat(math.Float64frombits(bits), 'g', -1, 64)
	}
	return strconv.FormatUint(bits, 10)
}

// littleEndian returns the number that b stores in the given order.
func littleEndian(b []byte, big bool) uint64 {
	var word [8]byte
	if big {
		copy(word[8-len(b):], b)
		return binary.BigEndian.Uint64(word[:])
	}
	copy(word[:], b)
	return binary.LittleEndian.Uint64(word[:])
}

// keyValue returns the entry kv of the metadata in the words of package model.
func (s *scanner) keyValue(kv KV) model.KeyValue {
	s.pos = int(kv.Value)
	if kv.Type != Array {
		return model.KeyValue{Key: kv.Key, Value: s.text(kv.Type), Type: kv.Type.String()}
	}
	t, n, _ := s.arrayHead()
	s.pos = int(kv.Value)
	return model.KeyValue{Key: kv.Key, Value: s.text(Array), Type: "[]" + t.String(), Items: int(n)}
}
