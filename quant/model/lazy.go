package model

import (
	"fmt"
	"sync"
)

const ruleUnpacked = "what is unpacked must have the size that the file states"

// NewLazyFile returns a File of size bytes that load makes when they are first
// looked at, such as a compressed member of an archive. The bytes stay in memory
// until the File is closed; if load fails, its error is that of every view.
func NewLazyFile(name string, size int64, load func() ([]byte, error)) *File {
	return &File{name: name, size: size, load: sync.OnceValues(func() ([]byte, error) {
		data, err := load()
		if err == nil && int64(len(data)) != size {
			err = &Error{
				File: name, Offset: NoOffset, Rule: ruleUnpacked,
				Found: fmt.Sprintf("%d bytes, it states %d", len(data), size),
			}
		}
		return data, err
	})}
}
