// Package npy reads NumPy's arrays: .npy files of one array, and .npz archives of
// several.
//
//	6 bytes      "\x93NUMPY"
//	2 bytes      the version: 1.0, 2.0 or 3.0
//	2 or 4 bytes n, the length of the header, little-endian (4 since version 2.0)
//	n bytes      {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//	the rest     the array
//
// The header is text in Python's syntax; the few words of it that NumPy writes
// are read here, nothing else. An array of Python objects holds a pickle, which
// is code: it is refused. Every rule has a name, in rules.go.
package npy
