//go:build unix

package model

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) ([]byte, error) {
	return unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(data []byte) error { return unix.Munmap(data) }

// forget gives the memory of whole pages of a map back; they are read again when
// they are looked at. It is advice, which may fail.
func forget(data []byte) { _ = unix.Madvise(data, unix.MADV_DONTNEED) }
