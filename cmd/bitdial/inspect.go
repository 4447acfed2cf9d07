package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/imatrix"
)

// inspect lists the tensors of a model.
func inspect() *cobra.Command {
	var glob, importance string
	var asJSON, asTree, metadata bool
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "List tensors, element types, shapes and sizes; metadata, layers",
		Long: `List the tensors of a model in the order of its file: how they are stored, shape, number of weights, bytes. The last row is the total. On a terminal what the metadata say of the model comes first, and before the total what each type of storage amounts to. A type such as Q4_K is one of ggml's blocks, one such as INT4 or NF4 is codes with scales in tensors of their own (GPTQ, AWQ, compressed-tensors, bitsandbytes, MXFP4, fp8): such weights are quantized already. The latter are one tensor here, of the name and shape of the weight that they stand for, and their size is that of all their parts; parts that do not fit together are listed one by one. Of a folder with a config.json its facts are metadata, under config.

--imatrix FILE, an importance matrix of llama.cpp, adds what it says of each tensor that it has, as llama-imatrix --show-statistics: importance, the mean over the columns of the mean square of what they are multiplied with; importance_share, of the sum over all tensors listed; importance_cv, how the columns differ, standard deviation over mean; importance_entropy, 1 where all columns matter alike and near 0 where one does; importance_zd, the share of columns more than a standard deviation from the mean.

--tree draws the model as its layers: tensors whose names differ in the layer's number are one line. --metadata lists every entry of the file's metadata instead, arrays by their first values.

Only headers are read. In a pipe: rows between tabs under a line of names. --json: one object a line; first, if the file has metadata, those, with the keys key type items value (a number, truth value or text; of an array the first values as text, and items is their number), unless --tensors is given; then the tensors with the keys tensor dtype shape params bytes and, where the element type does not say all of how a file holds some, as of quantized ones, encoding; the last line has model format tensors params bytes.`,
		Example: `bitdial inspect sample:animals
bitdial inspect sample:animals --tensors '*.bias'
bitdial inspect sample:animals --tree
bitdial inspect sample:animals --metadata
bitdial inspect sample:animals --json`,
		Args:              between(1, 1, "MODEL"),
		ValidArgsFunction: completeModel,
	}
	c.Flags().StringVar(&glob, "tensors", "", "list only what matches GLOB")
	c.Flags().StringVar(&importance, "imatrix", "", "importance of weights, a FILE of llama-imatrix")
	c.Flags().BoolVar(&asTree, "tree", false, "draw the layers")
	c.Flags().BoolVar(&metadata, "metadata", false, "list the metadata")
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case asTree && asJSON:
			return wrong(c, "--tree is for people and --json for programs: give one of them")
		case importance != "" && (asTree || metadata):
			return wrong(c, "--imatrix is told beside the tensors: without --tree and --metadata")
		case metadata && (asTree || glob != ""):
			return wrong(c, "--metadata lists no tensors: --tree and --tensors do")
		}
		m, err := open(args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		tensors, err := selected(c, m, glob)
		if err != nil {
			return err
		}
		switch {
		case metadata:
			return listMetadata(newSheet(asJSON, metadataColumns(m.Metadata)), m.Metadata)
		case asTree:
			return drawTree(newSheet(false, nil), m, tensors)
		}
		s := newSheet(asJSON, inspectColumns(tensors))
		var statistics []imatrix.Statistics
		if importance != "" {
			if statistics, err = readStatistics(importance, tensors); err != nil {
				return err
			}
			s.columns = append(s.columns, importanceColumns...)
		}
		if err := introduce(s, m, glob == ""); err != nil {
			return err
		}
		return list(s, m, tensors, statistics)
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

// introduce writes what comes before the tensors: on a terminal what the model
// is, as JSON all metadata, in a pipe nothing.
func introduce(s *sheet, m *model.Model, whole bool) error {
	switch {
	case s.terminal:
		return introduceToPeople(s, m)
	case s.json && whole:
		for _, kv := range m.Metadata {
			if err := s.object(metadataKeys, metadataValues(kv)); err != nil {
				return err
			}
		}
	}
	return nil
}

// introduceToPeople writes a line for each trait of the model.
func introduceToPeople(s *sheet, m *model.Model) error {
	traits := quant.About(m)
	for _, t := range traits {
		if err := s.line(fmt.Sprintf("%-15s  %s", t.Name, oneLine(t.Value))); err != nil {
			return err
		}
	}
	if n := len(m.Metadata); n > 0 {
		if err := s.line(fmt.Sprintf("%-15s  %s, --metadata lists them", "metadata", counted(n, "entry", "entries"))); err != nil {
			return err
		}
		return s.line("")
	}
	return nil
}

// counted is n and the word for so many.
func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return showCount(n) + " " + more
}

// importanceColumns are what an importance matrix adds.
var importanceColumns = []column{
	{key: "importance", title: "importance", width: 10, show: showError},
	{key: "importance_share", title: "share", width: 6, show: showPercent},
	{key: "importance_cv", title: "cv", width: 6, show: showFixed(2)},
	{key: "importance_entropy", title: "entropy", width: 7, show: showPercent},
	{key: "importance_zd", title: "ZD", width: 6, show: showPercent},
}

// importanceValues returns what stands in them of a tensor; nothing if the matrix
// does not have it.
func importanceValues(x imatrix.Statistics) []any {
	if x.N == 0 {
		return make([]any, len(importanceColumns))
	}
	return []any{x.Mean, x.Share, x.Variation, x.Entropy, x.Outliers}
}

func showPercent(v any) string {
	share, _ := v.(float64)
	return fmt.Sprintf("%.1f%%", 100*share)
}

// readStatistics returns what the matrix at path says of each tensor, nothing of
// those that it does not have.
func readStatistics(path string, tensors []*model.Tensor) ([]imatrix.Statistics, error) {
	matrix, err := imatrix.Open(path)
	if err != nil {
		return nil, err
	}
	defer matrix.Close() //nolint:errcheck // only read
	return matrix.StatisticsOf(tensors)
}

// list writes the tensors; statistics, if not nil, are theirs.
func list(s *sheet, m *model.Model, tensors []*model.Tensor, statistics []imatrix.Statistics) error {
	params, bytes := 0, int64(0)
	withEncoding := encoded(tensors)
	row := func(t *model.Tensor, x imatrix.Statistics, values ...any) error {
		if withEncoding {
			values = append(values, t.Encoding)
		}
		if statistics != nil {
			values = append(values, importanceValues(x)...)
		}
		return s.row(values...)
	}
	for i, t := range tensors {
		var x imatrix.Statistics
		if statistics != nil {
			x = statistics[i]
		}
		if err := row(t, x, t.Name, t.DType.Name, t.Shape, t.Len(), t.Bytes()); err != nil {
			return err
		}
		params += t.Len()
		bytes += t.Bytes()
	}
	if stored := quant.StoredAs(tensors); s.terminal && len(stored) > 1 {
		for _, d := range stored {
			if err := row(&model.Tensor{}, imatrix.Statistics{}, counted(d.Tensors, "tensor", "tensors"), d.DType.Name, nil, d.Params, d.Bytes); err != nil {
				return err
			}
		}
	}
	var err error
	if s.json {
		err = s.object([]string{"model", "format", "tensors", "params", "bytes"}, []any{m.Path, m.Format, len(tensors), params, bytes})
	} else {
		err = row(&model.Tensor{}, imatrix.Statistics{}, "total", nil, nil, params, bytes)
	}
	if err != nil {
		return err
	}
	return s.flush()
}

var metadataKeys = []string{"key", "type", "items", "value"}

// metadataValues returns what stands under metadataKeys.
func metadataValues(kv model.KeyValue) []any {
	var items, value any
	value = kv.Value
	if number := json.RawMessage(kv.Value); kv.Type != "" && kv.Type != "str" && !kv.Array() && json.Valid(number) {
		value = number // but for NaN and infinities, which JSON has not
	}
	if kv.Array() {
		items = kv.Items
	}
	kind := kv.Type
	if kind == "" { // of formats that know nothing else
		kind = "str"
	}
	return []any{kv.Key, kind, items, value}
}

func metadataColumns(metadata []model.KeyValue) []column {
	width := len("key")
	for _, kv := range metadata {
		width = max(width, displaywidth.String(kv.Key))
	}
	return []column{
		{key: "key", title: "key", width: -min(width, 60)},
		{key: "type", title: "type", width: -6},
		{key: "items", title: "items", width: 9, show: showCount},
		{key: "value", title: "value"},
	}
}

func listMetadata(s *sheet, metadata []model.KeyValue) error {
	for _, kv := range metadata {
		values := metadataValues(kv)
		if !s.json {
			values[3] = oneLine(kv.Value)
		}
		if err := s.row(values...); err != nil {
			return err
		}
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
