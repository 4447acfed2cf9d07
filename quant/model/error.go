package model

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Error says which rule a model file broke, and where.
//
//	x.safetensors: offset 0: the header is longer than the file: 9000000000 bytes, the file has 212
//
// Its text is a single line without control characters, whatever the file
// holds.
type Error struct {
	File   string // the path or name under which the file was opened
	Offset int64  // the byte the complaint is about, or NoOffset
	Rule   string // the rule that was broken: one constant phrase per rule; empty if the system refused
	Found  string // what stands in the file instead; may be empty
	Err    error  // the cause, where another package reported it; may be nil
}

// NoOffset is the Offset of an [Error] that concerns a file as a whole.
const NoOffset = -1

// Error returns "file: offset n: rule: found: cause", less the parts that are
// not there.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(printable(e.File))
	if e.Offset >= 0 {
		fmt.Fprintf(&b, ": offset %d", e.Offset)
	}
	for _, part := range []string{e.Rule, e.Found} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(printable(e.Err.Error()))
	}
	return b.String()
}

// Unwrap returns the cause, so that errors.Is finds fs.ErrNotExist and its
// kind.
func (e *Error) Unwrap() error { return e.Err }

// FileError returns err, which the operating system reported about the file at
// path, as an [*Error] that names the path once. An err that is an [*Error]
// already is returned as it is.
func FileError(path string, err error) error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return err
	}
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return &Error{File: path, Offset: NoOffset, Err: err}
}

// printable returns s, quoted if a terminal would obey part of it or if there
// is nothing to see.
func printable(s string) string {
	if s == "" || unsafeRune(s) >= 0 {
		return strconv.Quote(s)
	}
	return s
}
