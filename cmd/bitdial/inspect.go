package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant/model"
)

// inspect lists the tensors of a model.
func inspect() *cobra.Command {
	var glob string
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "List tensors, element types, shapes and sizes",
		Long: `List the tensors of a model in the order of its file: element type, shape, number of weights, bytes as stored. The last row is the total.

Only headers are read. In a pipe: rows between tabs under a line of names. --json: one object a line with the keys tensor dtype shape params bytes; the last line has model format tensors params bytes. Where a file holds weights otherwise than their element type says, as ONNX does quantized ones, encoding follows bytes.`,
		Example: `bitdial inspect sample:animals
bitdial inspect sample:animals --tensors '*.bias'
bitdial inspect sample:animals --json`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	c.Flags().StringVar(&glob, "tensors", "", "list only what matches GLOB")
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		tensors, err := selected(c, m, glob)
		if err != nil {
			return err
		}
		return list(newSheet(asJSON, inspectColumns(tensors)), m, tensors)
	}
	return c
}

func inspectColumns(tensors []*model.Tensor) []column {
	columns := []column{
		nameColumn(tensors),
		{key: "dtype", title: "dtype", width: -7},
		{key: "shape", title: "shape", width: -16, show: showShape},
		{key: "params", title: "weights", width: 15, show: showCount},
		{key: "bytes", title: "size", width: 8, show: showBytes},
	}
	if encoded(tensors) {
		columns = append(columns, column{key: "encoding", title: "in the file"})
	}
	return columns
}

// encoded reports whether the file holds any of the tensors otherwise than its
// type says.
func encoded(tensors []*model.Tensor) bool {
	return slices.ContainsFunc(tensors, func(t *model.Tensor) bool { return t.Encoding != "" })
}

func list(s *sheet, m *model.Model, tensors []*model.Tensor) error {
	params, bytes := 0, int64(0)
	row := func(t *model.Tensor, values ...any) error {
		if len(s.columns) > len(values) {
			values = append(values, t.Encoding)
		}
		return s.row(values...)
	}
	for _, t := range tensors {
		if err := row(t, t.Name, t.DType.Name, t.Shape, t.Len(), t.Bytes()); err != nil {
			return err
		}
		params += t.Len()
		bytes += t.Bytes()
	}
	var err error
	if s.json {
		err = s.object([]string{"model", "format", "tensors", "params", "bytes"}, []any{m.Path, m.Format, len(tensors), params, bytes})
	} else {
		err = row(&model.Tensor{}, "total", nil, nil, params, bytes)
	}
	if err != nil {
		return err
	}
	return s.flush()
}

// nameColumn is as wide as the longest name, within reason.
func nameColumn(tensors []*model.Tensor) column {
	width := len("tensor")
	for _, t := range tensors {
		width = max(width, displaywidth.String(t.Name))
	}
	return column{key: "tensor", title: "tensor", width: -min(width, 60)}
}

func showShape(v any) string {
	shape, _ := v.([]int)
	if len(shape) == 0 {
		return "scalar"
	}
	sides := make([]string, len(shape))
	for i, d := range shape {
		sides[i] = strconv.Itoa(d)
	}
	return strings.Join(sides, "×")
}

func showCount(v any) string {
	n, _ := v.(int)
	return strings.ReplaceAll(humanize.Comma(int64(n)), ",", " ")
}

func showBytes(v any) string {
	n, _ := v.(int64)
	return humanize.IBytes(uint64(n))
}

// showFixed returns how to show a float64 with so many digits after the point.
func showFixed(digits int) func(any) string {
	return func(v any) string { return fmt.Sprintf("%.*f", digits, v) }
}
