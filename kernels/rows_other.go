//go:build !amd64

package kernels

// rowCodes is empty: there is no vector code.
var rowCodes map[string][AVX512 + 1]rowCode
