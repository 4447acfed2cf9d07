package kernels

// rowCode is vector code for rows of one format's blocks, without importance.
type rowCode struct {
	// quantize packs the first of at least one block and returns how many: it
	// leaves the next one to Go, if there is one.
	quantize func(dst *byte, x *float32, blocks int) (done int)

	// dequantize unpacks at least one block.
	dequantize func(dst *float32, src *byte, blocks int)
}

// withRowCode gives packings the vector code that there is.
func withRowCode(packings []*Packing) []*Packing {
	for _, p := range packings {
		p.rows = rowCodes[p.Name]
	}
	return packings
}

// quantizeRow is p.quantize, in vectors where that can be.
func (p *Packing) quantizeRow(dst []byte, x, importance []float32) {
	code := p.rows[backend].quantize
	if code == nil || importance != nil && p.UsesImportance {
		p.quantize(dst, x, importance)
		return
	}
	for len(x) > 0 {
		done := code(&dst[0], &x[0], len(x)/p.Block)
		dst, x = dst[p.Bytes*done:], x[p.Block*done:]
		if len(x) > 0 {
			p.quantize(dst[:p.Bytes], x[:p.Block], nil)
			dst, x = dst[p.Bytes:], x[p.Block:]
		}
	}
}

// dequantizeRow is p.dequantize, in vectors where that can be.
func (p *Packing) dequantizeRow(dst []float32, src []byte) {
	blocks := len(src) / p.Bytes
	dst = dst[:p.Block*blocks]
	if code := p.rows[backend].dequantize; code != nil && blocks > 0 {
		code(&dst[0], &src[0], blocks)
	} else {
		p.dequantize(dst, src)
	}
}
