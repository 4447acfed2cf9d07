package quantized

import (
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
	end   string // of the codes' name
	weigh func(p *parts, codes *model.Tensor) *joined
}

var conventions = []convention{
	{".qweight", (*parts).packedInColumns},
	{".weight_packed", (*parts).packedInRows},
	{"_blocks", (*parts).pairs},
	{".blocks", (*parts).pairs},
	{".weight", (*parts).scaled},
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
	all    map[string]*model.Tensor
	made   map[string]bool // names of what was joined
	base   string          // of their names, what precedes the convention's end
}

func (p *parts) find(end string) *model.Tensor { return p.all[p.base+end] }

// Join returns tensors with those that encode one weight replaced by it, where
// its codes were. tensors stays as it is.
func Join(tensors []*model.Tensor, c Config) []*model.Tensor {
	if !signed(tensors) {
		return tensors
	}
	p := &parts{config: c, all: make(map[string]*model.Tensor, len(tensors)), made: map[string]bool{}}
	for _, t := range tensors {
		p.all[t.Name] = t
	}
	made, used := map[*model.Tensor]*model.Tensor{}, map[*model.Tensor]bool{}
	for _, t := range tensors {
		w, of := p.join(t)
		if w == nil {
			continue
		}
		made[t] = w
		for _, part := range of {
			used[part] = true
		}
	}
	var list []*model.Tensor
	for _, t := range tensors {
		switch {
		case made[t] != nil:
			list = append(list, made[t])
		case !used[t]:
			list = append(list, t)
		}
	}
	return list
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
		if j == nil || p.made[j.name] || j.name != t.Name && p.all[j.name] != nil {
			return nil, nil
		}
		w, err := model.NewScaled(j.name, j.dtype, j.shape, j.parts, j.encoding, j.read)
		if err != nil { // a name or a shape that no tensor may have
			return nil, nil
		}
		p.made[j.name] = true
		return w, j.parts
	}
	return nil, nil
}
