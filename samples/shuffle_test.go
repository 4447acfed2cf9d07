package samples

import "testing"

func TestShufflingIsABijection(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 64, 65, 9000} {
		for key := range uint64(3) {
			seen := make([]bool, n)
			moved := 0
			for i := range n {
				to := shuffled(i, n, mix(key))
				if to < 0 || to >= n || seen[to] {
					t.Fatalf("%d of %d goes to %d, which is taken or out of range", i, n, to)
				}
				seen[to] = true
				if to != i {
					moved++
				}
			}
			if n > 100 && moved < n*9/10 {
				t.Errorf("only %d of %d move", moved, n)
			}
		}
	}
}
