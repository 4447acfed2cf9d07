package quant

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lockFile takes f for this process alone, if all ask. What is locked is a byte
// far behind the end, since nobody else could read what is locked. A file system
// that has no locks lets everybody in.
func lockFile(f *os.File) error {
	place := windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return nil
}
