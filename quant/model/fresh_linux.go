package model

import (
	"os"

	"golang.org/x/sys/unix"
)

// forgetFile makes the system drop what it holds of f, which was flushed, so that
// the next reader is given what is on the disk. It is advice, which may fail.
func forgetFile(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
