package model

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"unsafe"
)

// File is the bytes of a model file: a read-only map of a file on disk, a slice
// in memory, or one that is made when it is first looked at.
type File struct {
	name string
	size int64

	mu     sync.RWMutex // held for reading while the data is looked at
	closed bool
	data   []byte
	load   func() ([]byte, error) // of NewLazyFile: returns the data; nil otherwise
	disk   *os.File               // nil if the data is in memory
}

// The rules of access to files.
const (
	ruleRegular  = "a model must be a regular file"
	ruleMappable = "the file is too large for the address space of this machine"
	ruleInside   = "a read must stay within the file"
	ruleShrank   = "the file became shorter while it was open"
	ruleDevice   = "the file could not be read where it is mapped"
	ruleClosed   = "the model is closed"
)

// OpenFile maps the file at path. Nothing of it is read yet, whatever its
// size. Anything but a regular file is refused before it is opened, so that a
// pipe or a device cannot block.
func OpenFile(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, FileError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: path, Offset: NoOffset, Rule: ruleRegular}
	}
	disk, err := os.Open(path)
	if err != nil {
		return nil, FileError(path, err)
	}
	f, err := mapped(path, disk)
	if err != nil {
		_ = disk.Close() // nothing was written: the reason for giving up matters more
		return nil, FileError(path, err)
	}
	return f, nil
}

func mapped(path string, disk *os.File) (*File, error) {
	info, err := disk.Stat()
	if err != nil {
		return nil, err
	}
	f := &File{name: path, size: info.Size(), disk: disk}
	if f.size > math.MaxInt {
		return nil, &Error{File: path, Offset: NoOffset, Rule: ruleMappable}
	}
	if f.size > 0 { // no system maps zero bytes
		f.data, err = mapFile(disk, int(f.size))
	}
	return f, err
}

// NewFile returns a File of bytes in memory, known as name. It keeps data,
// which must not change afterwards.
func NewFile(name string, data []byte) *File {
	return &File{name: name, size: int64(len(data)), data: data}
}

// Name returns the path that the file was opened by, or the name given.
func (f *File) Name() string { return f.name }

// Size returns the length of the file when it was opened, in bytes.
func (f *File) Size() int64 { return f.size }

// View calls look with the n bytes of the file from offset on and returns its
// error. The bytes are the file itself: look must not change them, keep them,
// hand them to another goroutine, or use the same File. View is safe for
// concurrent use.
//
// A file can be truncated by another program while it is mapped, and touching
// what is gone raises a fault that would end the process. View turns it into an
// [*Error]; look is then abandoned half way. What shrank without a fault, inside
// the last page, is found afterwards, so that no invented zeros are taken for
// weights.
func (f *File) View(offset, n int64, look func(b []byte) error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return &Error{File: f.name, Offset: NoOffset, Rule: ruleClosed, Err: os.ErrClosed}
	}
	if offset < 0 || n < 0 || offset > f.size-n {
		return &Error{
			File: f.name, Offset: offset, Rule: ruleInside,
			Found: strconv.FormatInt(n, 10) + " bytes, the file has " + strconv.FormatInt(f.size, 10),
		}
	}
	data := f.data
	if f.load != nil {
		var err error
		if data, err = f.load(); err != nil {
			return err
		}
	}
	b := data[offset : offset+n : offset+n]
	if f.disk == nil || n == 0 {
		return look(b)
	}
	if err := f.guarded(b, look); err != nil {
		return err
	}
	return f.stillHolds(offset + n)
}

// guarded calls look with memory faults inside the map turned into errors. The
// runtime raises them as panics for the goroutine that asks for it.
func (f *File) guarded(b []byte, look func(b []byte) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = f.fault(r)
		}
	}()
	return look(b)
}

// fault returns the error for the recovered panic r if it is a fault inside
// the map, and panics again if it is anything else.
func (f *File) fault(r any) error {
	memory, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	if !ok {
		panic(r)
	}
	at := memory.Addr() - uintptr(unsafe.Pointer(unsafe.SliceData(f.data)))
	if at >= uintptr(len(f.data)) { // also when the address lies before the map
		panic(r)
	}
	if err := f.stillHolds(int64(at) + 1); err != nil {
		return err
	}
	return &Error{File: f.name, Offset: int64(at), Rule: ruleDevice}
}

// stillHolds returns an error if the file on disk is now shorter than end.
func (f *File) stillHolds(end int64) error {
	info, err := f.disk.Stat()
	if err != nil {
		return FileError(f.name, err)
	}
	if info.Size() < end {
		return &Error{
			File: f.name, Offset: info.Size(), Rule: ruleShrank,
			Found: fmt.Sprintf("%d bytes, it had %d", info.Size(), f.size),
		}
	}
	return nil
}

// release forgets the pages from the one with the byte from to the one with the
// byte end, which stays.
func (f *File) release(from, end int64) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed || f.disk == nil {
		return
	}
	page := int64(os.Getpagesize())
	if from, end = from/page*page, end/page*page; from < end {
		forget(f.data[from:end])
	}
}

// Close waits for the views under way and releases the file. Closing again
// does nothing.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	data := f.data
	f.data, f.load = nil, nil
	if f.disk == nil {
		return nil
	}
	var err error
	if len(data) > 0 {
		err = unmapFile(data)
	}
	if e := f.disk.Close(); err == nil {
		err = e
	}
	if err != nil {
		return FileError(f.name, err)
	}
	return nil
}
