package torch

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// take returns the next n bytes.
func (m *machine) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.b)-m.pos {
		return nil, m.fail(rulePickleEnd, "%d bytes of it follow, an instruction needs %d", len(m.b)-m.pos, n)
	}
	m.pos += n
	return m.b[m.pos-n : m.pos : m.pos], nil
}

// line returns the text up to the end of the line.
func (m *machine) line() (string, error) {
	rest := m.b[m.pos:]
	rest = rest[:min(len(rest), model.MaxName)]
	n := bytes.IndexByte(rest, '\n')
	if n < 0 {
		return "", m.fail(rulePickleEnd, "a line does not end")
	}
	m.pos += n + 1
	return string(rest[:n]), m.charge(n + 16)
}

func (m *machine) integer(op byte) (any, error) {
	n := 1
	switch op {
	case 'M':
		n = 2
	case 'J':
		n = 4
	}
	b, err := m.take(n)
	if err != nil {
		return nil, err
	}
	var v int64
	switch op {
	case 'K':
		v = int64(b[0])
	case 'M':
		v = int64(binary.LittleEndian.Uint16(b))
	default:
		v = int64(int32(binary.LittleEndian.Uint32(b)))
	}
	return v, m.charge(8)
}

func (m *machine) long(op byte) (any, error) {
	n, err := m.index(op == 0x8b)
	if err != nil {
		return nil, err
	}
	b, err := m.take(n)
	if err != nil {
		return nil, err
	}
	if n > 8 {
		return long(b), m.charge(16 + n)
	}
	var v int64
	for i, c := range b {
		v |= int64(c) << (8 * i)
	}
	if n > 0 && n < 8 && b[n-1] >= 0x80 {
		v -= 1 << (8 * n)
	}
	return v, m.charge(8)
}

func (m *machine) number(op byte) (any, error) {
	s, err := m.line()
	if err != nil {
		return nil, err
	}
	var v any
	switch {
	case op == 'F':
		v, err = strconv.ParseFloat(s, 64)
	case op == 'I' && (s == "00" || s == "01"): // how protocol 0 says False and True
		v = s == "01"
	default:
		v, err = strconv.ParseInt(strings.TrimSuffix(s, "L"), 10, 64)
	}
	if err != nil {
		return nil, m.fail(ruleOperand, "%.40q is no number", s)
	}
	return v, m.charge(8)
}

// length reads a length or a number of width bytes.
func (m *machine) length(width int) (int, error) {
	b, err := m.take(width)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	n := binary.LittleEndian.Uint64(wide[:])
	if n > math.MaxInt32 {
		return 0, m.fail(ruleTooMany, "%d", n)
	}
	return int(n), nil
}

// widths are those of the lengths of strings.
var widths = map[byte]int{'U': 1, 0x8c: 1, 'C': 1, 'X': 4, 'T': 4, 'B': 4, 0x8d: 8, 0x8e: 8, 0x96: 8}

func (m *machine) text(op byte) (any, error) {
	n, err := m.length(widths[op])
	if err != nil {
		return nil, err
	}
	b, err := m.take(n)
	if err != nil {
		return nil, err
	}
	if err := m.charge(16 + n); err != nil {
		return nil, err
	}
	return string(b), nil
}

// index reads a number of one byte or four.
func (m *machine) index(wide bool) (int, error) {
	if wide {
		return m.length(4)
	}
	return m.length(1)
}
