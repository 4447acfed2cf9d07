package imatrix

import (
	"encoding/binary"
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// parseOlder reads the older form, from before it was GGUF.
func (m *Matrix) parseOlder() error {
	var n int32
	at := int64(0)
	if err := m.number(&at, &n); err != nil {
		return err
	}
	if n < 1 || n > maxEntries {
		return m.failAt(0, ruleEntries, "%d", n)
	}
	for range n {
		if err := m.parseEntry(&at); err != nil {
			return err
		}
	}
	if m.file.Size()-at >= 4 {
		if err := m.number(&at, &n); err != nil {
			return err
		}
		m.Chunks = int(max(0, n))
	}
	return nil
}

// parseEntry reads the entry at *at, which becomes where the next one begins.
func (m *Matrix) parseEntry(at *int64) error {
	begin := *at
	var length, calls, values int32
	if err := m.number(at, &length); err != nil {
		return err
	}
	if length < 1 || length > model.MaxName {
		return m.failAt(begin, ruleName, "one of %d bytes, at most %d", length, model.MaxName)
	}
	var name string
	if int64(length) > m.file.Size()-*at {
		return m.failAt(*at, rulePastEnd, "a name of %d bytes, the file has %d", length, m.file.Size()-*at)
	}
	err := m.file.View(*at, int64(length), func(b []byte) error {
		name = string(b)
		return model.CheckName(m.Path, *at, name)
	})
	if err != nil {
		return err
	}
	*at += int64(length)
	if err := m.number(at, &calls); err != nil {
		return err
	}
	if err := m.number(at, &values); err != nil {
		return err
	}
	if values < 1 {
		return m.failAt(begin, ruleValues, "%q has %d", name, values)
	}
	if left := m.file.Size() - *at; int64(values) > left/4 {
		return m.failAt(*at, rulePastEnd, "%q has %d values, the file has %d bytes", name, values, left)
	}
	if m.Knows(name) {
		return m.failAt(begin, ruleDuplicate, "%q", name)
	}
	sums, err := model.NewTensor(name, model.F32, []int{int(values)}, m.file, *at)
	if err != nil {
		return err
	}
	m.entries[name] = entry{sums: sums, calls: int(calls)}
	*at += 4 * int64(values)
	return nil
}

// number reads an i32 at *at, which becomes where it ends.
func (m *Matrix) number(at *int64, n *int32) error {
	if left := m.file.Size() - *at; left < 4 {
		return m.failAt(*at, rulePastEnd, "4 more bytes, the file has %d", left)
	}
	err := m.file.View(*at, 4, func(b []byte) error {
		*n = int32(binary.LittleEndian.Uint32(b))
		return nil
	})
	*at += 4
	return err
}

func (m *Matrix) failAt(at int64, rule, format string, args ...any) error {
	return &model.Error{File: m.Path, Offset: at, Rule: rule, Found: fmt.Sprintf(format, args...)}
}
