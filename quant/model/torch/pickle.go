package torch

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/bitdial/bitdial/quant/model"
)

// machine runs pickles. Of the bytes it keeps nothing.
type machine struct {
	file string
	base int64 // of b in the file
	b    []byte
	pos  int
	at   int // of the instruction under way
	left int // bytes of values that may still be built

	stack []any
	marks []int // lengths of the stack at the marks
	memo  []any

	storages map[string]*storage // that were asked for, by key
}

func newMachine(file string) *machine {
	return &machine{file: file, left: maxBuilt, storages: map[string]*storage{}}
}

func (m *machine) fail(rule, format string, args ...any) error {
	return &model.Error{File: m.file, Offset: m.base + int64(m.at), Rule: rule, Found: fmt.Sprintf(format, args...)}
}

// feed gives m the bytes b, which are at base in the file.
func (m *machine) feed(b []byte, base int64) { m.b, m.base, m.pos, m.at = b, base, 0, 0 }

// charge accounts for n bytes of values.
func (m *machine) charge(n int) error {
	if m.left -= n; m.left < 0 || n < 0 {
		m.left = 0
		return m.fail(ruleTooMany, "at most %d MiB of them", maxBuilt>>20)
	}
	return nil
}

// run executes the next pickle and returns the value that it builds.
func (m *machine) run() (any, error) {
	m.stack, m.marks, m.memo = m.stack[:0], m.marks[:0], nil
	for {
		m.at = m.pos
		b, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if b[0] == '.' {
			return m.pop()
		}
		if err := m.step(b[0]); err != nil {
			return nil, err
		}
		if len(m.stack)+len(m.marks) > maxStack {
			return nil, m.fail(ruleTooMany, "at most %d at a time", maxStack)
		}
	}
}

// step executes an instruction.
func (m *machine) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		b, err := m.take(1)
		if err == nil && (b[0] < 2 || b[0] > 5) {
			err = m.fail(ruleProtocol, "protocol %d", b[0])
		}
		return err
	case 0x95: // FRAME: how much to read at once
		_, err := m.take(8)
		return err
	case 'N':
		return m.push(nil, nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return m.push(op == 0x88, nil)
	case 'K', 'M', 'J': // BININT1, BININT2, BININT
		return m.push(m.integer(op))
	case 0x8a, 0x8b: // LONG1, LONG4
		return m.push(m.long(op))
	case 'I', 'L', 'F': // INT, LONG, FLOAT: in text
		return m.push(m.number(op))
	case 'G': // BINFLOAT
		b, err := m.take(8)
		if err != nil {
			return err
		}
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(b)), m.charge(8))
	case 'U', 0x8c, 'C', 'X', 'T', 'B', 0x8d, 0x8e, 0x96: // strings and bytes by length
		return m.push(m.text(op))
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
		return nil
	case '0': // POP
		_, err := m.pop()
		return err
	case '1': // POP_MARK
		_, err := m.above()
		return err
	case '2': // DUP
		v, err := m.top()
		return m.push(v, err)
	case ')', 0x85, 0x86, 0x87, 't': // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
		return m.tuple(op)
	case ']', '}', 0x8f: // EMPTY_LIST, EMPTY_DICT, EMPTY_SET
		if err := m.charge(48); err != nil || op == '}' {
			return m.push(&dict{}, err)
		}
		return m.push(&list{}, nil)
	case 'a', 'e', 0x90, 's', 'u': // APPEND, APPENDS, ADDITEMS, SETITEM, SETITEMS
		return m.add(op)
	case 'q', 'r', 0x94: // BINPUT, LONG_BINPUT, MEMOIZE
		return m.keep(op)
	case 'h', 'j': // BINGET, LONG_BINGET
		i, err := m.index(op == 'j')
		if err != nil {
			return err
		}
		if i >= len(m.memo) {
			return m.fail(ruleMemo, "number %d of %d", i, len(m.memo))
		}
		return m.push(m.memo[i], nil)
	case 'c', 0x93: // GLOBAL, STACK_GLOBAL
		return m.push(m.global(op))
	case 'Q': // BINPERSID
		id, err := m.pop()
		if err != nil {
			return err
		}
		return m.push(m.persistent(id))
	case 'R', 0x81: // REDUCE, NEWOBJ
		return m.push(m.call(op))
	case 'b': // BUILD
		return m.build()
	}
	return m.fail(ruleOpcode, "%q", op)
}

func (m *machine) push(v any, err error) error {
	if err != nil {
		return err
	}
	m.stack = append(m.stack, v)
	return nil
}

// top returns the value on top, which is not below the last mark.
func (m *machine) top() (any, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack) <= floor {
		return nil, m.fail(ruleStack, "none is left")
	}
	return m.stack[len(m.stack)-1], nil
}

func (m *machine) pop() (any, error) {
	v, err := m.top()
	if err == nil {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return v, err
}

// above takes the values above the last mark, and the mark. They are to be
// copied.
func (m *machine) above() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, m.fail(ruleStack, "no mark is left")
	}
	at := m.marks[len(m.marks)-1]
	m.marks = m.marks[:len(m.marks)-1]
	values := m.stack[at:]
	m.stack = m.stack[:at]
	return values, nil
}

func (m *machine) tuple(op byte) error {
	var values []any
	var err error
	switch op {
	case ')':
	case 't':
		values, err = m.above()
	default:
		n := int(op) - 0x84
		if _, err = m.top(); err == nil {
			floor := 0
			if len(m.marks) > 0 {
				floor = m.marks[len(m.marks)-1]
			}
			if len(m.stack)-floor < n {
				return m.fail(ruleStack, "%d are left for a tuple of %d", len(m.stack)-floor, n)
			}
			values = m.stack[len(m.stack)-n:]
			m.stack = m.stack[:len(m.stack)-n]
		}
	}
	if err == nil {
		err = m.charge(24 + 16*len(values))
	}
	if err != nil {
		return err
	}
	return m.push(append(make(tuple, 0, len(values)), values...), nil)
}

// add puts values into the container below them.
func (m *machine) add(op byte) error {
	var values []any
	switch op {
	case 'a', 's':
		n := 1
		if op == 's' {
			n = 2
		}
		for range n {
			v, err := m.pop()
			if err != nil {
				return err
			}
			values = append(values, v)
		}
		if n == 2 {
			values[0], values[1] = values[1], values[0]
		}
	default:
		var err error
		if values, err = m.above(); err != nil {
			return err
		}
	}
	if err := m.charge(40 * len(values)); err != nil { // growing leaves smaller copies behind
		return err
	}
	container, err := m.top()
	if err != nil {
		return err
	}
	switch c := container.(type) {
	case *list:
		if op == 'a' || op == 'e' || op == 0x90 {
			c.items = append(c.items, values...)
			return nil
		}
	case *dict:
		if (op == 's' || op == 'u') && len(values)%2 == 0 {
			c.items = append(c.items, values...)
			return nil
		}
	}
	return m.fail(ruleOperand, "%d values for %s", len(values), shown(container))
}

// keep numbers the value on top.
func (m *machine) keep(op byte) error {
	i := len(m.memo)
	if op != 0x94 {
		var err error
		if i, err = m.index(op == 'r'); err != nil {
			return err
		}
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	// Writers count up, so that a number is never larger than the instructions so far.
	if i > m.pos {
		return m.fail(ruleMemo, "number %d", i)
	}
	if more := i + 1 - len(m.memo); more > 0 {
		if err := m.charge(40 * more); err != nil {
			return err
		}
		m.memo = append(m.memo, make([]any, more)...)
	}
	m.memo[i] = v
	return nil
}

// global returns what a name stands for, which is never more than the name.
func (m *machine) global(op byte) (any, error) {
	var g global
	var err error
	if op == 'c' {
		if g.module, err = m.line(); err == nil {
			g.name, err = m.line()
		}
	} else {
		var name, module any
		if name, err = m.pop(); err == nil {
			module, err = m.pop()
		}
		var ok, ok2 bool
		g.name, ok = name.(string)
		g.module, ok2 = module.(string)
		if err == nil && (!ok || !ok2) {
			err = m.fail(ruleOperand, "a name is no text")
		}
	}
	if err != nil {
		return nil, err
	}
	if !g.known() {
		return nil, m.fail(ruleGlobal, "it asks for %.80q", g.String())
	}
	return g, m.charge(32)
}

// call makes what a name stands for of its arguments.
func (m *machine) call(op byte) (any, error) {
	v, err := m.pop()
	if err != nil {
		return nil, err
	}
	args, ok := v.(tuple)
	if !ok {
		return nil, m.fail(ruleOperand, "%s for arguments", shown(v))
	}
	if v, err = m.pop(); err != nil {
		return nil, err
	}
	g, ok := v.(global)
	if !ok {
		return nil, m.fail(ruleOperand, "%s to call", shown(v))
	}
	if err := m.charge(48); err != nil {
		return nil, err
	}
	if g.script() {
		if op == 'R' {
			return nil, m.fail(ruleOperand, "%.80q to call", g.String())
		}
		return &record{}, nil
	}
	return m.make(g, args)
}

// build gives the value below the state on top. Only TorchScript's records have
// one that matters: dictionaries and parameters have notes of PyTorch's.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *record:
		v.state = state
	case *dict, *tensor:
	default:
		return m.fail(ruleOperand, "%s has no state", shown(v))
	}
	return nil
}
