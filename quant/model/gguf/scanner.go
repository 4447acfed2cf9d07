package gguf

import (
	"encoding/binary"
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// scanner reads the header b of a file, which stands at its beginning, and
// never past its end.
type scanner struct {
	file  string
	size  int64 // of the file; b is all of it or as much as may be header
	b     []byte
	pos   int
	big   bool // big-endian
	short bool // counts and lengths take four bytes, as in version 1
}

// fail returns the error that what stands at an offset breaks the rule.
func (s *scanner) fail(at int, rule, format string, args ...any) error {
	return &model.Error{File: s.file, Offset: int64(at), Rule: rule, Found: fmt.Sprintf(format, args...)}
}

// take returns the next n bytes.
func (s *scanner) take(n uint64) ([]byte, error) {
	if n > uint64(len(s.b)-s.pos) {
		return nil, s.past(n)
	}
	b := s.b[s.pos : s.pos+int(n)]
	s.pos += int(n)
	return b, nil
}

// past is the error that the header needs n more bytes than there are.
func (s *scanner) past(n uint64) error {
	if n <= uint64(s.size-int64(s.pos)) {
		return s.fail(s.pos, ruleTooLong, "at most %d bytes", len(s.b))
	}
	return s.fail(s.pos, rulePastEnd, "%d more bytes, the file has %d", n, s.size-int64(s.pos))
}

func (s *scanner) u32() (uint32, error) {
	b, err := s.take(4)
	if err != nil {
		return 0, err
	}
	if s.big {
		return binary.BigEndian.Uint32(b), nil
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (s *scanner) u64() (uint64, error) {
	b, err := s.take(8)
	if err != nil {
		return 0, err
	}
	if s.big {
		return binary.BigEndian.Uint64(b), nil
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads a count or a length.
func (s *scanner) count() (uint64, error) {
	if s.short {
		n, err := s.u32()
		return uint64(n), err
	}
	return s.u64()
}

// counted reads the count of things that take least bytes each or more, and
// makes sure that so many can be there.
func (s *scanner) counted(least uint64) (uint64, error) {
	at := s.pos
	n, err := s.count()
	if left := uint64(len(s.b) - s.pos); err == nil && n > left/least {
		if left := uint64(s.size - int64(s.pos)); n <= left/least {
			return 0, s.fail(at, ruleTooLong, "at most %d bytes", len(s.b))
		}
		found := fmt.Sprintf("%d bytes", n)
		if least > 1 {
			found = fmt.Sprintf("%d times %d bytes or more", n, least)
		}
		return 0, s.fail(at, rulePastEnd, "%s, the file has %d", found, s.size-int64(s.pos))
	}
	return n, err
}

// str reads a string. It is a part of the file: to keep it is to copy it.
func (s *scanner) str() ([]byte, error) {
	n, err := s.counted(1)
	if err != nil {
		return nil, err
	}
	return s.take(n)
}

// name reads a string that must be fit to be shown.
func (s *scanner) name() (string, error) {
	at := s.pos
	b, err := s.str()
	if err != nil {
		return "", err
	}
	if len(b) > model.MaxName { // CheckName says so, of a beginning that is long enough
		b = b[:model.MaxName+1]
	}
	name := string(b)
	return name, model.CheckName(s.file, int64(at), name)
}
