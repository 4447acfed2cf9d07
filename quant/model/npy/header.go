package npy

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

const magic = "\x93NUMPY"

// headBytes of an array hold its header, whatever it is.
const headBytes = len(magic) + 2 + 4 + maxHeader

// header is what the beginning of an array says.
type header struct {
	dtype     *model.DType
	bigEndian bool
	fortran   bool // the first dimension is contiguous instead of the last
	shape     []int
	length    int64 // of the header: the data follow
}

// parser reads a header. Its position counts from the beginning of the array.
type parser struct {
	file string
	base int64 // of the array in the file
	b    []byte
	pos  int
}

func (p *parser) fail(at int, rule, format string, args ...any) error {
	return &model.Error{File: p.file, Offset: p.base + int64(at), Rule: rule, Found: fmt.Sprintf(format, args...)}
}

// parseHeader reads the header of the array that begins with head at base in
// file and has size bytes.
func parseHeader(file string, base int64, head []byte, size int64) (*header, error) {
	p := &parser{file: file, base: base, b: head}
	begin := len(magic) + 4
	if len(head) < begin || string(head[:len(magic)]) != magic {
		return nil, p.fail(0, ruleMagic, "%.10q", head)
	}
	n := uint32(binary.LittleEndian.Uint16(head[8:]))
	switch major, minor := head[6], head[7]; {
	case major < 1 || major > 3 || minor != 0:
		return nil, p.fail(6, ruleVersion, "%d.%d", major, minor)
	case major > 1:
		begin += 2
		if len(head) < begin {
			return nil, p.fail(0, ruleMagic, "%.12q", head)
		}
		n = binary.LittleEndian.Uint32(head[8:])
	}
	switch {
	case int64(n) > size-int64(begin):
		return nil, p.fail(8, ruleHeaderEnd, "%d bytes, the array has %d", n, size)
	case n > maxHeader:
		return nil, p.fail(8, ruleTooLong, "%d bytes, at most %d", n, maxHeader)
	}
	p.pos, p.b = begin, head[:begin+int(n)]
	h := &header{length: int64(len(p.b))}
	return h, p.dictionary(h)
}

// keys are what a header consists of.
var keys = [...]string{"descr", "fortran_order", "shape"}

func (p *parser) dictionary(h *header) error {
	if !p.take('{') {
		return p.fail(p.pos, ruleHeader, "no '{'")
	}
	var seen [len(keys)]bool
	for !p.take('}') {
		at := p.pos
		key, err := p.text()
		if err != nil {
			return err
		}
		i := 0
		for i < len(keys) && keys[i] != key {
			i++
		}
		if i == len(keys) || seen[i] || !p.take(':') {
			return p.fail(at, ruleHeader, "%.40q", key)
		}
		seen[i] = true
		switch i {
		case 0:
			err = p.descr(h)
		case 1:
			h.fortran, err = p.truth()
		case 2:
			h.shape, err = p.shape()
		}
		if err != nil {
			return err
		}
		if !p.take(',') && !p.next('}') {
			return p.fail(p.pos, ruleHeader, "no ',' after %s", key)
		}
	}
	for i, there := range seen {
		if !there {
			return p.fail(p.pos, ruleHeader, "%s is missing", keys[i])
		}
	}
	if p.space(); p.pos < len(p.b) {
		return p.fail(p.pos, ruleHeader, "%.20q after it", p.b[p.pos:])
	}
	return nil
}

func (p *parser) space() {
	for p.pos < len(p.b) && strings.IndexByte(" \t\r\n", p.b[p.pos]) >= 0 {
		p.pos++
	}
}

// next reports whether c comes next, after spaces.
func (p *parser) next(c byte) bool {
	p.space()
	return p.pos < len(p.b) && p.b[p.pos] == c
}

// take is next, and goes past c.
func (p *parser) take(c byte) bool {
	if !p.next(c) {
		return false
	}
	p.pos++
	return true
}

// text reads a string. What NumPy writes there has no escapes.
func (p *parser) text() (string, error) {
	at := p.pos
	for _, quote := range []byte{'\'', '"'} {
		if !p.take(quote) {
			continue
		}
		n := strings.IndexByte(string(p.b[p.pos:]), quote)
		if n < 0 || strings.IndexByte(string(p.b[p.pos:p.pos+n]), '\\') >= 0 {
			break
		}
		s := string(p.b[p.pos : p.pos+n])
		p.pos += n + 1
		return s, nil
	}
	return "", p.fail(at, ruleHeader, "no text at %.20q", p.b[at:])
}

func (p *parser) truth() (bool, error) {
	p.space()
	for word, value := range map[string]bool{"True": true, "False": false} {
		if strings.HasPrefix(string(p.b[p.pos:]), word) {
			p.pos += len(word)
			return value, nil
		}
	}
	return false, p.fail(p.pos, ruleHeader, "neither True nor False at %.20q", p.b[p.pos:])
}

func (p *parser) shape() ([]int, error) {
	if !p.take('(') {
		return nil, p.fail(p.pos, ruleShape, "no '('")
	}
	shape := []int{}
	for !p.take(')') {
		p.space()
		at := p.pos
		for p.pos < len(p.b) && p.b[p.pos] >= '0' && p.b[p.pos] <= '9' {
			p.pos++
		}
		d, err := strconv.Atoi(string(p.b[at:p.pos]))
		if err != nil {
			return nil, p.fail(at, ruleShape, "%.20q", p.b[at:])
		}
		if p.pos < len(p.b) && p.b[p.pos] == 'L' { // of Python 2
			p.pos++
		}
		if len(shape) == maxDims {
			return nil, p.fail(at, ruleDims, "at most %d", maxDims)
		}
		shape = append(shape, d)
		if !p.take(',') && !p.next(')') {
			return nil, p.fail(p.pos, ruleShape, "no ',' at %.20q", p.b[p.pos:])
		}
	}
	return shape, nil
}

// dtypes finds the element types by what NumPy calls them, less the byte order.
// A V2 is bfloat16 and an f1 is float8_e5m2: the package that brings them to
// NumPy has them saved so.
var dtypes = map[string]*model.DType{
	"f8": model.F64, "f4": model.F32, "f2": model.F16,
	"i8": model.I64, "i4": model.I32, "i2": model.I16, "i1": model.I8,
	"u8": model.U64, "u4": model.U32, "u2": model.U16, "u1": model.U8,
	"b1": model.Bool, "V2": model.BF16, "f1": model.F8E5M2,
	"bfloat16": model.BF16, "float8_e4m3fn": model.F8E4M3, "float8_e5m2": model.F8E5M2,
}

func (p *parser) descr(h *header) error {
	p.space()
	at := p.pos
	if p.next('[') {
		return p.fail(at, ruleRecords, "%.40q", p.b[at:])
	}
	descr, err := p.text()
	if err != nil {
		return err
	}
	name := descr
	if name != "" && strings.IndexByte("<>|=", name[0]) >= 0 {
		h.bigEndian = name[0] == '>'
		name = name[1:]
	}
	if strings.HasPrefix(name, "O") {
		return p.fail(at, ruleObjects, "%.40q", descr)
	}
	if h.dtype = dtypes[name]; h.dtype == nil {
		return p.fail(at, ruleDescr, "%.40q", descr)
	}
	return nil
}
