package onnx

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
)

// scanner walks messages and counts what it looks at.
type scanner struct {
	file string
	left int // fields that may still be looked at
}

func (s *scanner) fail(at int64, rule, format string, args ...any) error {
	return &model.Error{File: s.file, Offset: at, Rule: rule, Found: fmt.Sprintf(format, args...)}
}

// message is a stretch of the file. It is looked at where it lies.
type message struct {
	b  []byte
	at int64 // of b in the file
}

// field is a field of a message: its number, its place, and what it holds.
type field struct {
	number protowire.Number
	kind   protowire.Type
	at     int64
	value  uint64  // of a varint or a fixed number
	bytes  message // of a string, a message or packed numbers
}

// fields calls look with each field of m, as long as it returns nil.
func (s *scanner) fields(m message, look func(f field) error) error {
	for rest := m.b; len(rest) > 0; {
		f := field{at: m.at + int64(len(m.b)-len(rest))}
		if s.left--; s.left < 0 {
			return s.fail(f.at, ruleFields, "at most %d", maxFields)
		}
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return s.broken(f.at, n)
		}
		f.number, f.kind = number, kind
		rest = rest[n:]
		begin := m.at + int64(len(m.b)-len(rest))
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(rest)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(rest)
			f.value = uint64(v)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(rest)
		case protowire.BytesType:
			f.bytes.b, n = protowire.ConsumeBytes(rest)
			if n >= 0 {
				f.bytes.at = begin + int64(n-len(f.bytes.b))
			}
		default: // groups are of an older format than this one
			return s.fail(f.at, ruleWire, "field %d of type %d", number, kind)
		}
		if n < 0 {
			return s.broken(f.at, n)
		}
		rest = rest[n:]
		if err := look(f); err != nil {
			return err
		}
	}
	return nil
}

// broken returns the error for what protowire could not read at at.
func (s *scanner) broken(at int64, n int) error {
	found := "a tag, a length or a number is none"
	if errors.Is(protowire.ParseError(n), io.ErrUnexpectedEOF) {
		found = "the message ends within one"
	}
	return s.fail(at, ruleWire, "%s", found)
}

// want fails unless f is of this kind.
func (s *scanner) want(f field, kind protowire.Type) error {
	if f.kind != kind {
		return s.fail(f.at, ruleKind, "field %d of type %d, not %d", f.number, f.kind, kind)
	}
	return nil
}

// text fails unless f is text, which it returns.
func (s *scanner) text(f field) (string, error) {
	if err := s.want(f, protowire.BytesType); err != nil {
		return "", err
	}
	if len(f.bytes.b) > model.MaxName {
		return "", model.CheckName(s.file, f.at, string(f.bytes.b[:model.MaxName+1]))
	}
	return string(f.bytes.b), nil
}
