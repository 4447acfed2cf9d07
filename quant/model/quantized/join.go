package quantized

import (
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Config is what a checkpoint says about its quantization, as far as its tensors
// do not.
type Config struct {
	Method string // "gptq", "awq", "compressed-tensors", …; empty if unknown
	Format string // of the checkpoint: "gptq", "gptq_v2"
	Bits   []int  // that codes of one layer or another have
	Group  int    // weights that share a scale, 0 if unknown
	Block  [2]int // rows and columns that do
	Order  bool   // columns are grouped in another order than their own
}

// convention is how the codes of a tensor are called: one line of the table.
type convention struct {
	end    string // of the codes' name
	weight bool   // which .weight takes the place of in the weight's name
	weigh  func(p *parts, codes *model.Tensor) *joined
}

// weightEnd is the end of a weight's own name.
const weightEnd = ".weight"

var conventions = []convention{
	{".qweight", true, (*parts).packedInColumns},
	{".weight_packed", true, (*parts).packedInRows},
	{"_blocks", false, (*parts).pairs},
	{".blocks", false, (*parts).pairs},
	{weightEnd, true, (*parts).scaled},
}

// signs are ends of names that a checkpoint without such weights does not have.
var signs = []string{".qweight", ".weight_packed", "_blocks", ".blocks", ".weight_scale", ".weight_scale_inv", ".SCB", ".absmax"}

// joined is a tensor that several stand for.
type joined struct {
	name     string
	dtype    *model.DType
	shape    []int
	encoding string
	parts    []*model.Tensor // the codes first
	read     func(dst []float32, from int) error
}

// parts finds the parts of one tensor among all.
type parts struct {
	config Config
	list   []*model.Tensor
	all    map[string]int32 // places in the list by name
	base   string           // of their names, what precedes the convention's end
	texts  map[string]string
}

func (p *parts) find(end string) *model.Tensor { return p.named(p.base + end) }

// named returns the tensor of that name, nil if there is none.
func (p *parts) named(name string) *model.Tensor {
	if i, ok := p.all[name]; ok {
		return p.list[i]
	}
	return nil
}

// Limits on what is joined: for so many tensors, and one more for as many bytes,
// the memory that it takes stays within what a file may ask for.
const (
	maxJoined = 1 << 14
	perJoined = 1 << 10
)

// Join returns tensors with those that encode one weight replaced by it, where
// its codes were. tensors stays as it is.
func Join(tensors []*model.Tensor, c Config) []*model.Tensor {
	if !signed(tensors) {
		return tensors
	}
	p := &parts{config: c, list: tensors, all: make(map[string]int32, len(tensors)), texts: map[string]string{}}
	bytes := int64(0)
	for i, t := range tensors {
		p.all[t.Name] = int32(i)
		bytes += t.Bytes()
	}
	left := maxJoined + bytes/perJoined
	list := slices.Clone(tensors)
	for i, t := range tensors {
		if left == 0 {
			break
		}
		w, of := p.join(t)
		if w == nil {
			continue
		}
		left--
		for _, part := range of {
			list[p.all[part.Name]] = nil
		}
		list[i] = w
	}
	return slices.DeleteFunc(list, func(t *model.Tensor) bool { return t == nil })
}

func signed(tensors []*model.Tensor) bool {
	for _, t := range tensors {
		for _, s := range signs {
			if strings.HasSuffix(t.Name, s) {
				return true
			}
		}
	}
	return false
}

// join returns the tensor whose codes are t, and its parts, or nil.
func (p *parts) join(t *model.Tensor) (*model.Tensor, []*model.Tensor) {
	for _, c := range conventions {
		base, ok := strings.CutSuffix(t.Name, c.end)
		if !ok {
			continue
		}
		p.base = base
		j := c.weigh(p, t)
		switch {
		case j == nil, j.name != t.Name && p.taken(j.name, t), slices.ContainsFunc(j.parts, scattered):
			return nil, nil
		}
		w, err := model.NewScaled(j.name, j.dtype, j.shape, j.parts, p.text(j.encoding), j.read)
		if err != nil { // a name or a shape that no tensor may have
			return nil, nil
		}
		return w, j.parts
	}
	return nil, nil
}

// scattered reports whether the number at a place of t is not in the bytes at that
// place: the file has another order, or numbers share bytes.
func scattered(t *model.Tensor) bool { return !t.InOrder() || t.DType.Block != 1 }

// taken reports whether there is a tensor called name, or codes besides t that
// stand for one.
func (p *parts) taken(name string, t *model.Tensor) bool {
	if p.named(name) != nil {
		return true
	}
	base, weight := strings.CutSuffix(name, weightEnd)
	for _, c := range conventions {
		from := name
		if c.weight && !weight || c.end == weightEnd {
			continue
		}
		if c.weight {
			from = base
		}
		if other := p.named(from + c.end); other != nil && other != t {
			return true
		}
	}
	return false
}

// text returns s, one copy of it for all tensors.
func (p *parts) text(s string) string {
	if known, ok := p.texts[s]; ok {
		return known
	}
	p.texts[s] = s
	return s
}
