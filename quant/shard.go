package quant

import (
	"cmp"
	"slices"
)

// Shard returns the share i, from 0 to n-1, of tasks that are divided among n
// machines. It depends on nothing but tasks, their order too, so that machines need not
// talk to each other; shares cost about the same, and all together are tasks. A
// tensor stays whole unless it is so large that some machine would wait for it:
// then its schemes are divided.
func Shard(tasks []Task, i, n int) []Task {
	total := 0.0
	for _, t := range tasks {
		total += t.cost()
	}
	var parts []Task
	for _, t := range tasks {
		if t.cost() <= total/float64(4*n) {
			parts = append(parts, t)
			continue
		}
		for _, s := range t.Schemes {
			parts = append(parts, Task{t.Tensor, []Scheme{s}, t.Exact})
		}
	}
	slices.SortStableFunc(parts, func(a, b Task) int { return cmp.Compare(b.cost(), a.cost()) })
	load := make([]float64, n)
	var share []Task
	for _, t := range parts {
		least := 0
		for j := range load {
			if load[j] < load[least] {
				least = j
			}
		}
		load[least] += t.cost()
		if least != i {
			continue
		}
		if j := slices.IndexFunc(share, func(o Task) bool { return o.Tensor == t.Tensor }); j >= 0 {
			share[j].Schemes = append(share[j].Schemes, t.Schemes...)
		} else {
			share = append(share, t)
		}
	}
	return share
}
