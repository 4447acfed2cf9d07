package kernels
import ("testing";"math/rand/v2")
func TestZZ(t *testing.T){
	draw := rand.New(rand.NewPCG(1,2))
	for _, b := range Backends()[1:] {
	for trial := range 20 {
		x := make([]float32, 512)
		for i := range x { x[i] = float32(draw.NormFloat64()) }
		var g, f fits
		old := Use(Portable)
		g.fit(&q4KFit, x, nil, 32, byRootMeanSquare)
		Use(b)
		f.fit(&q4KFit, x, nil, 32, byRootMeanSquare)
		Use(old)
		for k := range 16 {
			if g.scales[k]!=f.scales[k]||g.offsets[k]!=f.offsets[k]||g.sums[k]!=f.sums[k] { t.Errorf("%v %d/%d: %v %v %v, want %v %v %v", b, trial,k,f.scales[k],f.offsets[k],f.sums[k],g.scales[k],g.offsets[k],g.sums[k]) }
		}
	}}
}
