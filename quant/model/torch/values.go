package torch

import "github.com/bitdial/bitdial/quant/model"

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

// tensor is a view of a storage.
type tensor struct {
	storage        *storage
	dtype          *model.DType
	offset         int64 // weights of the storage before the first
	shape, strides []int
	at             int64 // where the pickle says so
}

func (g global) String() string { return g.module + "." + g.name }
