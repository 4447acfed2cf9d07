package model

import (
	"errors"
	"os"
	"sync"
)

const (
	behindLen     = 1 << 20 // bytes that the system is given at once
	behindBuffers = 4       // one is filled, the others wait or are being written
	// syncedLen is how many bytes are flushed to the disk at once while others are
	// computed: all of a large file, at its end, would be waited for.
	syncedLen = 64 << 20
)

// behind is a file that is written while its bytes are computed: what Write takes
// is handed to the system by drain, and flushed to the disk by flush, each in a
// goroutine of its own. Their errors are what happened; that of Write only ends the
// computing.
type behind struct {
	f          *os.File
	buf        []byte        // that is filled
	full, free chan []byte   // to be written, to be filled again
	dirty      chan struct{} // there is something to flush
	failed     chan struct{} // closed when drain has
}

var errBehind = errors.New("the bytes before could not be written")

// writeBehind gives write a writer to f, and returns when everything is on the
// disk.
func writeBehind(f *os.File, write func(b *behind) error) error {
	b := &behind{
		f: f, full: make(chan []byte, behindBuffers), free: make(chan []byte, behindBuffers),
		dirty: make(chan struct{}, 1), failed: make(chan struct{}),
	}
	for range behindBuffers {
		b.free <- nil // grows to behindLen if there is so much
	}
	b.buf = <-b.free
	var drained, flushed error
	var wait sync.WaitGroup
	wait.Go(func() { drained = b.drain() })
	wait.Go(func() { flushed = b.flush() })
	err := write(b)
	if err == nil {
		b.full <- b.buf
	}
	close(b.full)
	wait.Wait()
	for _, e := range []error{drained, flushed} { // the reason why Write failed
		if e != nil {
			return e
		}
	}
	if err == nil {
		err = f.Sync()
	}
	return err
}

// Write takes p.
func (b *behind) Write(p []byte) (n int, err error) {
	for n < len(p) {
		k := min(len(p)-n, behindLen-len(b.buf))
		b.buf = append(b.buf, p[n:n+k]...)
		if n += k; len(b.buf) < behindLen {
			break
		}
		b.full <- b.buf
		b.buf = <-b.free
		select {
		case <-b.failed:
			return n, errBehind
		default:
		}
	}
	return n, nil
}

// drain writes what is full. After an error it only makes room.
func (b *behind) drain() (err error) {
	defer close(b.dirty)
	written := 0
	for buf := range b.full {
		if err == nil {
			if _, err = b.f.Write(buf); err != nil {
				close(b.failed)
			}
		}
		if written += len(buf); written >= syncedLen {
			select {
			case b.dirty <- struct{}{}:
				written = 0
			default: // it is at it
			}
		}
		b.free <- buf[:0]
	}
	return err
}

// flush flushes what was written whenever there is much of it.
func (b *behind) flush() (err error) {
	for range b.dirty {
		if err == nil {
			err = b.f.Sync()
		}
	}
	return err
}
