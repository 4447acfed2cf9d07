package export

import (
	"fmt"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// FitGGUF returns the best choice from space whose GGUF file has at most budget
// bytes, header and padding counted, and the file. A budget that no file keeps to is
// an error, and one that the largest does not use up unless it may leave a rest.
func FitGGUF(m *model.Model, space *quant.Space, budget int64, rest bool) (quant.Solution, *GGUF, error) {
	least, most := space.Ends()
	_, smallest, err := fitGGUF(m, space, least)
	if err != nil {
		return quant.Solution{}, nil, err
	}
	all, largest, err := fitGGUF(m, space, most)
	switch {
	case err != nil:
		return quant.Solution{}, nil, err
	case rest && budget >= largest.Size:
		return all, largest, nil
	case budget < smallest.Size || budget > largest.Size:
		return quant.Solution{}, nil, fmt.Errorf("%s: no plan for a file of %d bytes: these schemes make files of %d to %d", m.Name, budget, smallest.Size, largest.Size)
	}
	// What a file has besides its tensors changes little, by padding alone.
	for room := least + budget - smallest.Size; ; {
		sol, g, err := fitGGUF(m, space, room)
		if err != nil || g.Size <= budget {
			return sol, g, err
		}
		room = max(least, room-(g.Size-budget))
	}
}

func fitGGUF(m *model.Model, space *quant.Space, room int64) (quant.Solution, *GGUF, error) {
	sol, err := space.Solve(room)
	if err != nil {
		return sol, nil, err
	}
	g, err := PlanGGUF(m, space.Plan(sol))
	return sol, g, err
}
