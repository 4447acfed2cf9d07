package torch

import (
	"fmt"

	"github.com/bitdial/bitdial/quant/model"
)

// What a pickle builds, besides nil, bool, int64, float64 and string:
type (
	tuple  []any
	list   struct{ items []any }
	dict   struct{ items []any } // keys and values by turns
	record struct{ state any }   // an object of a TorchScript class
	long   string                // an integer that int64 does not hold, little-endian
	global struct{ module, name string }
)

// storage is numbers that tensors are views of.
type storage struct {
	key    string
	dtype  *model.DType // nil for bytes without a type
	n      int64        // weights, or bytes
	offset int64        // weights before it in the storage of that key, which has
	whole  int64        // that many; a view of another storage, in old files
	at     int64        // where the pickle says so
}

// bytes returns how many the storage of that key has, as far as they can be
// counted.
func (s *storage) bytes() uint64 {
	width := 1
	if s.dtype != nil {
		width = s.dtype.Bytes
	}
	return uint64(s.whole) * uint64(width)
}

// tensor is a view of a storage.
type tensor struct {
	storage        *storage
	dtype          *model.DType
	offset         int64 // weights of the storage before the first
	shape, strides []int
	at             int64      // where the pickle says so
	quantizer      *quantizer // nil if it holds its weights themselves
}

func (g global) String() string { return g.module + "." + g.name }

// shown returns v for an error: numbers as they are, of everything else the
// kind. A container might hold itself, or a million others.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case int64, float64, bool:
		return fmt.Sprint(v)
	case string:
		return fmt.Sprintf("%.40q", v)
	case global:
		return fmt.Sprintf("%.80q", v.String())
	case tuple:
		return fmt.Sprintf("a tuple of %d", len(v))
	case *list:
		return fmt.Sprintf("a list of %d", len(v.items))
	case *dict:
		return fmt.Sprintf("a dictionary of %d", len(v.items)/2)
	case *record:
		return "a record"
	case *tensor:
		return "a tensor"
	case *storage:
		return "a storage"
	}
	return "a large number"
}
