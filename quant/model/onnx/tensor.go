package onnx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/bitdial/bitdial/quant/model"
)

// description is what a TensorProto says.
type description struct {
	name  string
	at    int64 // of the message
	kind  *dataType
	shape []int
	n     int
	uses  []model.Use

	form     int // where the data are: a field of TensorProto, or 0
	place    int64
	size     int64
	marked   *varints // of typed integers
	external *external
	listed   []byte // of a Constant that holds numbers one by one
	sparse   *sparse

	quantized *quantization // what makes weights of its integers
	plain     bool          // something else works with the integers themselves
}

// external says where data are that lie beside the network.
type external struct {
	location string
	offset   int64
	length   int64 // -1 if not said
	at       int64
}

const (
	rawData      = 9
	externalData = 13
)

// tensor reads the TensorProto m.
func (s *scanner) tensor(m message) (*description, error) {
	d := &description{at: m.at, shape: []int{}}
	number, elsewhere := uint64(0), false
	var typed message
	var entries int
	err := s.fields(m, func(f field) (err error) {
		switch f.number {
		case 1:
			return d.dims(s, f)
		case 2:
			number = f.value
			return s.want(f, protowire.VarintType)
		case 8:
			d.name, err = s.text(f)
			return err
		case floatData, int32Data, int64Data, doubleData, uint64Data, rawData:
			if err := s.want(f, protowire.BytesType); err != nil {
				return s.fail(f.at, ruleOnce, "field %d holds single numbers", f.number)
			}
			if len(f.bytes.b) == 0 { // as if it were not there
				return nil
			}
			if d.form != 0 {
				return s.fail(f.at, ruleOnce, "fields %d and %d", d.form, f.number)
			}
			d.form, typed = int(f.number), f.bytes
			return nil
		case externalData:
			if entries++; entries > maxExternal {
				return s.fail(f.at, ruleExternal, "more than %d entries", maxExternal)
			}
			return d.externalEntry(s, f)
		case 14:
			elsewhere = f.value == 1
			return s.want(f, protowire.VarintType)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.kind = dataTypes[number]; d.kind == nil {
		return nil, s.fail(m.at, ruleType, "tensor %q: number %d", d.name, number)
	}
	if err := model.CheckName(s.file, m.at, d.name); err != nil || d.kind.dtype == nil {
		return d, err
	}
	var ok bool
	if d.n, ok = model.Count(d.shape); !ok {
		return nil, s.fail(m.at, ruleOverflow, "tensor %q: shape %v", d.name, d.shape)
	}
	if !elsewhere {
		d.external = nil
		return d, d.check(s, typed)
	}
	if d.external == nil || d.external.location == "" || d.form != 0 {
		return nil, s.fail(m.at, ruleExternal, "tensor %q", d.name)
	}
	d.form = externalData
	return d, nil
}

// dims reads dimensions, which come one by one or packed.
func (d *description) dims(s *scanner, f field) error {
	add := func(v uint64, at int64) error {
		if len(d.shape) == maxDims || int64(v) < 0 || int64(int(v)) != int64(v) {
			return s.fail(at, ruleDims, "dimension %d after %v", int64(v), d.shape)
		}
		d.shape = append(d.shape, int(v))
		return nil
	}
	if f.kind == protowire.VarintType {
		return add(f.value, f.at)
	}
	if err := s.want(f, protowire.BytesType); err != nil {
		return err
	}
	for b := f.bytes.b; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return s.broken(f.at, n)
		}
		if err := add(v, f.at); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// externalEntry reads a key and a value of external_data.
func (d *description) externalEntry(s *scanner, f field) error {
	key, value, err := s.pair(f)
	if err != nil {
		return err
	}
	if d.external == nil {
		d.external = &external{length: -1}
	}
	e := d.external
	e.at = f.at
	number := func(dst *int64) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return s.fail(f.at, ruleExternal, "%s %.40q", key, value)
		}
		*dst = n
		return nil
	}
	switch key {
	case "location":
		e.location = value
	case "offset":
		return number(&e.offset)
	case "length":
		return number(&e.length)
	}
	return nil
}

// pair reads a StringStringEntryProto.
func (s *scanner) pair(f field) (key, value string, err error) {
	if err := s.want(f, protowire.BytesType); err != nil {
		return "", "", err
	}
	err = s.fields(f.bytes, func(f field) (err error) {
		switch f.number {
		case 1:
			key, err = s.text(f)
		case 2:
			if err = s.want(f, protowire.BytesType); err == nil && len(f.bytes.b) > maxText {
				err = s.fail(f.at, ruleMetadata, "a value of %d bytes, at most %d", len(f.bytes.b), maxText)
			}
			if err == nil {
				value = string(f.bytes.b)
			}
		}
		return err
	})
	return key, value, err
}

// check makes sure that the data in the network are those that the shape and the
// type need.
func (d *description) check(s *scanner, data message) error {
	want, ok := d.kind.bytes(d.n)
	if !ok {
		return s.fail(d.at, ruleOverflow, "tensor %q: shape %v of %s", d.name, d.shape, d.kind.name)
	}
	d.place, d.size = data.at, int64(len(data.b))
	got := d.size
	switch d.form {
	case 0, rawData:
	case d.kind.typed:
		if d.form == floatData || d.form == doubleData {
			break
		}
		width := 1
		if d.kind.codes == nil {
			width = d.kind.dtype.Bytes
		}
		v := &varints{width: width}
		if bad, ok := v.mark(data.b); !ok {
			return s.fail(data.at+int64(bad), ruleVarint, "tensor %q", d.name)
		}
		d.marked = v
		got = int64(v.n) * int64(width)
	default:
		return s.fail(d.at, ruleType, "tensor %q of %s has data in field %d, not %d", d.name, d.kind.name, d.form, d.kind.typed)
	}
	if got != want {
		return s.fail(d.at, ruleData, "tensor %q: shape %v of %s needs %d bytes, there are %d", d.name, d.shape, d.kind.name, want, got)
	}
	return nil
}

// folder opens the files beside a network.
type folder struct {
	path  string // of the network; empty if it is no file
	m     *model.Model
	files map[string]*model.File
}

// source returns the data that d describes in the network f.
func (d *description) source(f *model.File, beside *folder) (source, error) {
	switch {
	case d.listed != nil:
		return stretch{model.NewFile(f.Name(), d.listed), 0}, nil
	case d.form == externalData:
		return d.outside(f, beside)
	case d.marked != nil:
		d.marked.file, d.marked.offset, d.marked.size = f, d.place, d.size
		return d.marked, nil
	}
	return stretch{f, d.place}, nil
}

// outside returns the data that lie beside the network.
func (d *description) outside(f *model.File, beside *folder) (source, error) {
	e := d.external
	file, err := beside.open(f.Name(), e)
	if err != nil {
		return nil, err
	}
	want, ok := d.kind.bytes(d.n)
	if !ok || e.length >= 0 && e.length != want || want > file.Size() || e.offset > file.Size()-want {
		return nil, &model.Error{
			File: f.Name(), Offset: e.at, Rule: ruleData,
			Found: fmt.Sprintf("tensor %q: shape %v of %s at %d, length %d, in %.200q of %d bytes", d.name, d.shape, d.kind.name, e.offset, e.length, e.location, file.Size()),
		}
	}
	return stretch{file, e.offset}, nil
}

// open opens the file that e names for the network, in whose folder it stays,
// though a link there may point elsewhere, as download caches have it.
func (b *folder) open(network string, e *external) (*model.File, error) {
	if f := b.files[e.location]; f != nil {
		return f, nil
	}
	broken := &model.Error{File: network, Offset: e.at, Found: fmt.Sprintf("%.200q", e.location)}
	local := filepath.FromSlash(e.location)
	switch {
	case b.path == "":
		broken.Rule = ruleNoFolder
		return nil, broken
	case !filepath.IsLocal(local) || strings.ContainsAny(e.location, "\\\x00"):
		broken.Rule = ruleEscape
		return nil, broken
	case len(b.files) == maxFiles:
		broken.Rule = ruleFiles
		return nil, broken
	}
	path := filepath.Join(filepath.Dir(b.path), local)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		broken.Rule, broken.Err = ruleMissing, fs.ErrNotExist
		return nil, broken
	}
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	b.files[e.location] = f
	b.m.Files = append(b.m.Files, f)
	return f, nil
}
