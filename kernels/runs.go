package kernels

// RunSlack is how many bytes past their ends [CopyRuns] may read and overwrite.
const RunSlack = 15

// CopyRuns writes to dst, one after another, count·runs runs of n bytes: those
// of src that begin at i·step + k·runStep, k < runs, for each i < count. Both
// slices have RunSlack more bytes than that takes: runs are short and many, and
// vectors copy more than some of them.
func CopyRuns(dst, src []uint8, n, runs, runStep, count, step int) {
	if n <= 0 || runs <= 0 || count <= 0 {
		return
	}
	dst = dst[:count*runs*n+RunSlack]
	src = src[:(count-1)*step+(runs-1)*runStep+n+RunSlack]
	copyRuns(dst, src, n, runs, runStep, count, step)
}

func copyRunsGo(dst, src []uint8, n, runs, runStep, count, step int) {
	for i := range count {
		for k := range runs {
			dst = dst[copy(dst[:n], src[i*step+k*runStep:]):]
		}
	}
}
