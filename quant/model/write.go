package model

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The rules of writing.
const (
	ruleExists   = "only --force overwrites it"
	ruleReplaces = "only a regular file can be overwritten"
)

// WriteFile writes the file at path through write so that the file is there
// whole or not at all: the data go to a new file beside it, which is flushed to
// the disk and renamed only after write returned nil. If write fails, as it
// should when its context is cancelled, the new file is removed, what stood at
// path stays, and the error is that of write.
//
// An existing file is refused without force, both before anything is written
// and, by a link that cannot replace, at the end, so that two writers cannot
// overwrite each other by accident. With force it is replaced at once; through
// a symbolic link, the file that it points to is. Who had the old file open
// keeps it.
func WriteFile(path string, force bool, write func(w io.Writer) error) error {
	target, mode, err := destination(path, force)
	if err != nil {
		return err
	}
	part, err := createBeside(target, mode)
	if err != nil {
		return FileError(path, err)
	}
	if err := fill(part, write); err != nil {
		_ = os.Remove(part.Name()) // the first error is the one to tell
		if system := (*fs.PathError)(nil); errors.As(err, &system) && system.Path == part.Name() {
			return FileError(path, err) // a full disk: name the file that was asked for
		}
		return err
	}
	if err := publish(part.Name(), target, force); err != nil {
		_ = os.Remove(part.Name())
		if errors.Is(err, fs.ErrExist) {
			return &Error{File: path, Offset: NoOffset, Rule: ruleExists, Err: fs.ErrExist}
		}
		return FileError(path, err)
	}
	syncFolder(filepath.Dir(target))
	return nil
}

// CheckWrite returns the error with which [WriteFile] would refuse path before
// anything is written: for what takes long before it writes.
func CheckWrite(path string, force bool) error {
	_, _, err := destination(path, force)
	return err
}

// destination returns the file that path stands for, links followed, and the
// permissions to create it with.
func destination(path string, force bool) (target string, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, 0o666, nil
	case err != nil:
		return "", 0, FileError(path, err)
	case !info.Mode().IsRegular():
		return "", 0, &Error{File: path, Offset: NoOffset, Rule: ruleReplaces}
	case !force:
		return "", 0, &Error{File: path, Offset: NoOffset, Rule: ruleExists, Err: fs.ErrExist}
	}
	target, err = filepath.EvalSymlinks(path)
	if err != nil {
		return "", 0, FileError(path, err)
	}
	return target, info.Mode().Perm(), nil
}

// createBeside creates a file of a fresh name in target's folder: a rename
// within a folder is atomic, one across file systems is not.
func createBeside(target string, mode fs.FileMode) (*os.File, error) {
	for range 100 {
		name := fmt.Sprintf(".bitdial-%016x.part", rand.Uint64())
		f, err := os.OpenFile(filepath.Join(filepath.Dir(target), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fs.ErrExist
}

// fill writes, flushes and closes f.
func fill(f *os.File, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<20)
	err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// publish gives part its final name.
func publish(part, target string, force bool) error {
	if force {
		return os.Rename(part, target)
	}
	err := os.Link(part, target)
	if err == nil {
		return os.Remove(part)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	// File systems without hard links: hold the name with an empty file of our
	// own, which the rename then replaces.
	held, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err := held.Close(); err != nil {
		return errors.Join(err, os.Remove(target))
	}
	if err := os.Rename(part, target); err != nil {
		return errors.Join(err, os.Remove(target))
	}
	return nil
}

// syncFolder makes the new name survive a power failure where the system lets
// a folder be flushed; where it does not, the data are safe all the same.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// WriteTensor lets write give w the n bytes of the tensor called name: fewer or
// more are an error.
func WriteTensor(w io.Writer, name string, n int64, write func(w io.Writer) error) error {
	rest := &remaining{w: w, n: n}
	if err := write(rest); err != nil {
		return err
	}
	if rest.n != 0 {
		return fmt.Errorf("tensor %q: %d of its %d bytes were not written", name, rest.n, n)
	}
	return nil
}

// remaining passes on the n bytes that a tensor has left and refuses more.
type remaining struct {
	w io.Writer
	n int64
}

var errTooLong = errors.New("more bytes than the tensor has")

func (r *remaining) Write(p []byte) (int, error) {
	if int64(len(p)) > r.n {
		return 0, errTooLong
	}
	n, err := r.w.Write(p)
	r.n -= int64(n)
	return n, err
}
