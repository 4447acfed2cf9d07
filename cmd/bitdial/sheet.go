package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/clipperhouse/displaywidth"
)

// column is one thing that every row of a sheet says.
type column struct {
	key   string           // in JSON, and the head of plain rows
	title string           // the head on a terminal; "" if a terminal shows it not
	width int              // on a terminal, to the right; to the left if negative; 0 for the last
	show  func(any) string // on a terminal; nil for the value as it is
}

// sheet writes rows to stdout as they come: aligned on a terminal; tab-separated
// under a line of keys in a pipe; one JSON object a line if asked for.
type sheet struct {
	columns  []column
	json     bool
	terminal bool
	headed   bool
	out      *bufio.Writer
	bar      *progress // wiped before a row is written; may be nil
}

func newSheet(asJSON bool, columns []column) *sheet {
	return &sheet{
		columns: columns, json: asJSON,
		terminal: !asJSON && term.IsTerminal(os.Stdout.Fd()),
		out:      bufio.NewWriterSize(os.Stdout, 1<<16),
	}
}

// row writes the values of the columns; nil leaves one blank.
func (s *sheet) row(values ...any) error {
	s.bar.wipe()
	switch {
	case s.json:
		keys := make([]string, len(s.columns))
		for i, c := range s.columns {
			keys[i] = c.key
		}
		return s.object(keys, values)
	case s.terminal:
		return s.aligned(values)
	}
	return s.plain(values)
}

// object writes a line of JSON.
func (s *sheet) object(keys []string, values []any) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	line.WriteByte('{')
	for i, key := range keys {
		if i > 0 {
			line.WriteByte(',')
		}
		value := values[i]
		if f, ok := value.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
			value = nil // JSON has neither
		}
		fmt.Fprintf(&line, "%q:", key)
		if err := encoder.Encode(value); err != nil {
			return err
		}
		line.Truncate(line.Len() - 1) // the newline that Encode ends with
	}
	line.WriteString("}\n")
	_, err := line.WriteTo(s.out)
	return err
}

// plain writes a row of values between tabs, and before the first one the keys.
func (s *sheet) plain(values []any) error {
	texts := make([]string, len(s.columns))
	if !s.headed {
		s.headed = true
		for i, c := range s.columns {
			texts[i] = c.key
		}
		if err := s.line(strings.Join(texts, "\t")); err != nil {
			return err
		}
	}
	for i, v := range values {
		texts[i] = plainText(v)
	}
	return s.line(strings.Join(texts, "\t"))
}

func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		switch {
		case math.IsInf(v, 1):
			return "inf"
		case math.IsInf(v, -1):
			return "-inf"
		}
		return strconv.FormatFloat(v, 'g', 6, 64)
	case []int:
		text, _ := json.Marshal(v) // integers never fail
		return string(text)
	case []string:
		return strings.Join(v, ", ")
	}
	return fmt.Sprint(v)
}

// aligned writes a row in columns, and before the first one the titles.
func (s *sheet) aligned(values []any) error {
	if !s.headed {
		s.headed = true
		titles := make([]string, len(s.columns))
		for i, c := range s.columns {
			titles[i] = c.title
		}
		if err := s.cells(titles); err != nil {
			return err
		}
	}
	texts := make([]string, len(values))
	for i, v := range values {
		if show := s.columns[i].show; v != nil && show != nil {
			texts[i] = show(v)
		} else {
			texts[i] = plainText(v)
		}
	}
	return s.cells(texts)
}

func (s *sheet) cells(texts []string) error {
	var line strings.Builder
	for i, c := range s.columns {
		if c.title == "" {
			continue
		}
		if line.Len() > 0 {
			line.WriteString("  ")
		}
		width := c.width
		if width < 0 {
			width = -width
		}
		pad := strings.Repeat(" ", max(0, width-displaywidth.String(texts[i])))
		if c.width > 0 {
			line.WriteString(pad + texts[i])
		} else {
			line.WriteString(texts[i] + pad)
		}
	}
	return s.line(strings.TrimRight(line.String(), " "))
}

// write writes a line that is finished.
func (s *sheet) write(line []byte) error {
	s.bar.wipe()
	_, err := s.out.Write(line)
	return err
}

func (s *sheet) line(text string) error {
	_, err := s.out.WriteString(text + "\n")
	return err
}

// flush hands on what was written.
func (s *sheet) flush() error { return s.out.Flush() }
