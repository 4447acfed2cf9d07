//go:build unix

package quant

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes f for this process alone, if all ask. A file system that has no
// locks lets everybody in.
func lockFile(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return nil
}
