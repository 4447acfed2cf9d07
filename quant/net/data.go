package net

// Data are inputs of a network with what it should answer. Several goroutines
// may read them at a time.
type Data interface {
	// Len returns the number of inputs.
	Len() int
	// Labels returns how many answers belong to an input: one for a picture, one
	// for each token of a text.
	Labels() int
	// Read sets x to input i and labels to its answers, numbers of classes; one
	// below 0 does not count.
	Read(i int, x []float32, labels []int)
}

// batchOf reads inputs from to from+len, as many as p takes; those past the
// end are read again from the first on, and do not count.
func batchOf(p *Program, data Data, from, to int, labels []int) {
	size, per := len(p.Input())/p.Batch, data.Labels()
	for k := range p.Batch {
		i := from + k
		own := labels[k*per : (k+1)*per]
		data.Read(i%data.Len(), p.Input()[k*size:(k+1)*size], own)
		if i >= to {
			for j := range own {
				own[j] = -1
			}
		}
	}
}
