package llama2c

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Reads names what Open opens, for messages.
const Reads = "llama2.c"

const (
	magic      = "24ka" // 0x616b3432
	oldHeader  = 7 * 4
	header     = 256
	maxLayers  = 1 << 12
	newVersion = 1
)

// The rules that a checkpoint is held to.
const (
	ruleHeader  = "a checkpoint must begin with seven numbers, none of them 0"
	ruleVersion = "the version of a checkpoint must be 0 or 1"
	ruleNumbers = "the numbers of a checkpoint must be those of a transformer"
	ruleSize    = "a checkpoint must be exactly as long as its numbers make it"
)

// Recognises reports whether the file called name, which begins with head, is one
// that [Open] reads. A file without a magic number is looked up for its size.
func Recognises(name string, head []byte) bool {
	if strings.HasPrefix(string(head), magic) {
		return true
	}
	c, err := parse(name, head)
	if err != nil {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.Size() == c.size
}

// RecognisesFolder reports that no folder is one that [Open] reads.
func RecognisesFolder([]string) bool { return false }

// Open opens the checkpoint at path. A broken rule is an [*model.Error].
func Open(path string) (*model.Model, error) {
	f, err := model.OpenFile(path)
	if err != nil {
		return nil, err
	}
	base := filepath.Base(path)
	return open(f, strings.TrimSuffix(base, filepath.Ext(base)))
}

// Parse opens the checkpoint that data are, known as name. It keeps data, which
// must not change while the model is in use.
func Parse(name string, data []byte) (*model.Model, error) {
	return open(model.NewFile(name, data), name)
}

// open returns the model that the file f is, and closes f on error.
func open(f *model.File, name string) (*model.Model, error) {
	m := &model.Model{Name: name, Path: f.Name(), Format: "llama2.c", Files: []*model.File{f}}
	if err := add(m, f); err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return m, nil
}

// add adds what f holds to m.
func add(m *model.Model, f *model.File) error {
	var head []byte
	err := f.View(0, min(f.Size(), header), func(b []byte) error {
		head = slices.Clone(b)
		return nil
	})
	if err != nil {
		return err
	}
	c, err := parse(f.Name(), head)
	if err != nil {
		return err
	}
	if c.size != f.Size() {
		return &model.Error{File: f.Name(), Offset: 0, Rule: ruleSize, Found: fmt.Sprintf("%d bytes, they make %d", f.Size(), c.size)}
	}
	for i, name := range numbers {
		m.Metadata = append(m.Metadata, model.KeyValue{Key: "llama2.c." + name, Value: strconv.Itoa(c.numbers[i]), Type: "i32"})
	}
	offset := c.begin
	for _, p := range c.parts {
		for layer := range p.layers {
			name := p.name
			if p.layered {
				name = "layers." + strconv.Itoa(layer) + "." + name
			}
			t, err := model.NewTensor(name, model.F32, p.shape, f, offset)
			if err != nil {
				return err
			}
			m.Tensors = append(m.Tensors, t)
			offset += t.Bytes()
		}
	}
	return nil
}

// numbers are the names of what a checkpoint begins with.
var numbers = [7]string{"dim", "hidden_dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "seq_len"}

// checkpoint is what those numbers say.
type checkpoint struct {
	numbers [7]int
	begin   int64 // of the weights
	parts   []part
	size    int64 // of the file
}

// part is a kind of weights.
type part struct {
	name    string
	layered bool
	layers  int // tensors of that kind
	shape   []int
}

// parse reads the numbers at the beginning of the file.
func parse(file string, head []byte) (*checkpoint, error) {
	fail := func(at int64, rule, format string, args ...any) error {
		return &model.Error{File: file, Offset: at, Rule: rule, Found: fmt.Sprintf(format, args...)}
	}
	c := &checkpoint{begin: oldHeader}
	at := int64(0)
	newer := strings.HasPrefix(string(head), magic)
	shared := false
	if newer {
		if len(head) < header {
			return nil, fail(0, ruleHeader, "%d bytes", len(head))
		}
		if v := binary.LittleEndian.Uint32(head[4:]); v != newVersion {
			return nil, fail(4, ruleVersion, "%d", v)
		}
		at, c.begin, shared = 8, header, head[8+oldHeader] != 0
	}
	if len(head) < oldHeader {
		return nil, fail(0, ruleHeader, "%d bytes", len(head))
	}
	for i := range c.numbers {
		c.numbers[i] = int(int32(binary.LittleEndian.Uint32(head[at+4*int64(i):])))
	}
	if n := &c.numbers[5]; !newer {
		shared = *n > 0
		if *n < 0 && *n > math.MinInt32 {
			*n = -*n
		}
	}
	for i, n := range c.numbers {
		if n < 1 {
			return nil, fail(at+4*int64(i), ruleHeader, "%s is %d", numbers[i], n)
		}
	}
	dim, layers, heads, keys := c.numbers[0], c.numbers[2], c.numbers[3], c.numbers[4]
	if layers > maxLayers || dim%heads != 0 || heads%keys != 0 || dim/heads%2 != 0 {
		return nil, fail(at, ruleNumbers, "dim %d, n_layers %d, n_heads %d, n_kv_heads %d", dim, layers, heads, keys)
	}
	c.parts = c.layout(newer, shared)
	c.size = c.begin
	for _, p := range c.parts {
		n, ok := model.Count(append([]int{p.layers, 4}, p.shape...))
		if !ok || int64(n) > math.MaxInt64/2-c.size {
			return nil, fail(at, ruleNumbers, "%s of %v", p.name, p.shape)
		}
		c.size += int64(n)
	}
	return c, nil
}

// layout returns the kinds of weights in their order.
func (c *checkpoint) layout(newer, shared bool) []part {
	dim, hidden, layers, heads := c.numbers[0], c.numbers[1], c.numbers[2], c.numbers[3]
	vocabulary, length := c.numbers[5], c.numbers[6]
	size := dim / heads
	each := func(name string, shape ...int) part { return part{name, true, layers, shape} }
	one := func(name string, shape ...int) part { return part{name, false, 1, shape} }
	embedding, norm := one("tok_embeddings.weight", vocabulary, dim), one("norm.weight", dim)
	before, after := each("attention_norm.weight", dim), each("ffn_norm.weight", dim)
	attention := []part{
		each("attention.wq.weight", dim, dim), each("attention.wk.weight", c.numbers[4]*size, dim),
		each("attention.wv.weight", c.numbers[4]*size, dim), each("attention.wo.weight", dim, dim),
	}
	feed := []part{
		each("feed_forward.w1.weight", hidden, dim), each("feed_forward.w2.weight", dim, hidden), each("feed_forward.w3.weight", hidden, dim),
	}
	var list []part
	if newer {
		list = slices.Concat([]part{before, after, norm, embedding}, attention, feed)
	} else {
		turns := []part{norm, one("freqs_cos", length, size/2), one("freqs_sin", length, size/2)}
		list = slices.Concat([]part{embedding, before}, attention, []part{after}, feed, turns)
	}
	if !shared {
		list = append(list, one("output.weight", vocabulary, dim))
	}
	return list
}
