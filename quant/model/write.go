package model

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// The rules of writing.
const (
	ruleExists   = "only --force overwrites it"
	ruleReplaces = "only a regular file can be overwritten"
)

// Output is a file to be written.
type Output struct {
	Path  string
	Write func(w io.Writer) error
	Check func(f *File) error // looks at what is on the disk before it gets its name; may be nil
}

// WriteFile writes the file at path through write, as [WriteFiles] does.
func WriteFile(path string, force bool, write func(w io.Writer) error) error {
	return WriteFiles([]Output{{Path: path, Write: write}}, force)
}

// WriteFiles writes files so that they are there whole or not at all: the data go
// to new files beside them, which are flushed to the disk, checked and renamed only
// after every Write and Check returned nil. If one fails, as it should when its
// context is cancelled, the new files are removed, what stood at the paths stays,
// and the error is that of the one that failed.
//
// Several files get their names one after another, the first of outputs last, so
// that whoever opens that one finds the others; if a name cannot be given, those
// given before are taken back.
//
// An existing file is refused without force, both before anything is written
// and, by a link that cannot replace, at the end, so that two writers cannot
// overwrite each other by accident. With force it is replaced at once; through
// a symbolic link, the file that it points to is. Who had the old file open
// keeps it.
func WriteFiles(outputs []Output, force bool) (err error) {
	files := make([]pending, len(outputs))
	for i, o := range outputs {
		files[i] = pending{Output: o}
		if files[i].target, files[i].mode, err = destination(o.Path, force); err != nil {
			return err
		}
	}
	defer func() {
		for i := range files {
			files[i].end(err != nil)
		}
	}()
	for i := range files {
		if err := files[i].write(); err != nil {
			return err
		}
	}
	for i := range slices.Backward(files) {
		if err := files[i].publish(force, len(files) > 1); err != nil {
			return err
		}
	}
	for i := range files {
		syncFolder(filepath.Dir(files[i].target))
	}
	return nil
}

// CheckWrite returns the error with which [WriteFile] would refuse path before
// anything is written: for what takes long before it writes.
func CheckWrite(path string, force bool) error {
	_, _, err := destination(path, force)
	return err
}

// pending is an output on its way.
type pending struct {
	Output
	target string // links followed
	mode   fs.FileMode
	part   string // its file until it has its name, "" if there is none
	old    string // what stood at target before, "" if nothing or not kept
	named  bool   // target is the new file
}

// write writes and checks the file beside its target.
func (p *pending) write() error {
	f, err := createBeside(p.target, p.mode)
	if err != nil {
		return FileError(p.Path, err)
	}
	p.part = f.Name()
	if err := fill(f, p.Write, p.Check != nil); err != nil {
		if system := (*fs.PathError)(nil); errors.As(err, &system) && system.Path == p.part {
			return FileError(p.Path, err) // a full disk: name the file that was asked for
		}
		return err
	}
	if p.Check == nil {
		return nil
	}
	back, err := OpenFile(p.part)
	if err != nil {
		return FileError(p.Path, err)
	}
	defer back.Close() //nolint:errcheck // only read
	return p.Check(back)
}

// publish gives the file its name. What stands there is kept aside if keep says so.
func (p *pending) publish(force, keep bool) error {
	if force && keep {
		if err := p.keep(); err != nil {
			return err
		}
	}
	err := publish(p.part, p.target, force)
	if errors.Is(err, fs.ErrExist) {
		return &Error{File: p.Path, Offset: NoOffset, Rule: ruleExists, Err: fs.ErrExist}
	}
	if err != nil {
		return FileError(p.Path, err)
	}
	p.part, p.named = "", true
	return nil
}

// keep gives what stands at the target another name too, until all is over.
func (p *pending) keep() error {
	switch info, err := os.Lstat(p.target); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return FileError(p.Path, err)
	case !info.Mode().IsRegular(): // it was, when writing began
		return &Error{File: p.Path, Offset: NoOffset, Rule: ruleReplaces}
	}
	old := p.part + ".old"
	if os.Link(p.target, old) != nil { // no links here: the target has no name for a moment
		if err := os.Rename(p.target, old); err != nil {
			return FileError(p.Path, err)
		}
	}
	p.old = old
	return nil
}

// end removes what is left, and if all failed puts back what was there: the error
// that made it fail is the one to tell.
func (p *pending) end(failed bool) {
	if p.part != "" {
		_ = os.Remove(p.part)
	}
	switch {
	case failed && p.old != "":
		_ = os.Rename(p.old, p.target)
		_ = os.Remove(p.old) // where both were one file still
	case failed && p.named:
		_ = os.Remove(p.target)
	case p.old != "":
		_ = os.Remove(p.old)
	}
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

// fill writes, flushes and closes f, which the system is to read from the disk
// if fresh says so.
func fill(f *os.File, write func(w io.Writer) error, fresh bool) error {
	err := writeBehind(f, func(b *behind) error { return write(b) })
	if err == nil && fresh {
		forgetFile(f)
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
