package samples

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Limits of an idx file, far above any that there is; what is larger is a lie.
const (
	maxIDXItems = 1 << 20
	maxIDXBytes = 1 << 30
)

// readIDX reads a file of bytes in the format of MNIST: two zero bytes, the
// type of the values, which must be 8 (unsigned bytes), the number of
// dimensions, their lengths as big-endian words of 32 bits, and the values. The
// file is looked for by its name, and compressed as name.gz.
//
// The dimensions after the first must be shape. The values are returned with how
// many items there are.
func readIDX(fsys fs.FS, name string, shape ...int) (values []byte, items int, err error) {
	f, name, err := openIDX(fsys, name)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // it was only read
	values, items, err = parseIDX(f, shape)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return values, items, nil
}

// openIDX opens name or, if it does not exist, name.gz.
func openIDX(fsys fs.FS, name string) (f fs.File, found string, err error) {
	for _, suffix := range []string{"", ".gz"} {
		f, err = fsys.Open(name + suffix)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return f, name + suffix, err
		}
	}
	return nil, "", fmt.Errorf("%s: there is no such file, nor with .gz", name)
}

// parseIDX reads what readIDX describes, compressed if it begins as gzip does.
func parseIDX(f io.Reader, shape []int) (values []byte, items int, err error) {
	r := bufio.NewReader(f)
	if magic, _ := r.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, 0, err
		}
		return parseValues(unzipped, shape)
	}
	return parseValues(r, shape)
}

func parseValues(r io.Reader, shape []int) (values []byte, items int, err error) {
	head := make([]byte, 4*(2+len(shape)))
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return nil, 0, fmt.Errorf("the first 4 bytes: %w", err)
	}
	if head[0] != 0 || head[1] != 0 || head[2] != 8 {
		return nil, 0, fmt.Errorf("it begins with % x; an idx file of bytes begins with 00 00 08", head[:3])
	}
	if int(head[3]) != 1+len(shape) {
		return nil, 0, fmt.Errorf("it has %d dimensions instead of %d", head[3], 1+len(shape))
	}
	if _, err := io.ReadFull(r, head[4:]); err != nil {
		return nil, 0, fmt.Errorf("the dimensions: %w", err)
	}
	count := binary.BigEndian.Uint32(head[4:])
	size := int64(count)
	for i, want := range shape {
		got := binary.BigEndian.Uint32(head[8+4*i:])
		if int64(got) != int64(want) {
			return nil, 0, fmt.Errorf("dimension %d is %d instead of %d", 2+i, got, want)
		}
		size *= int64(want)
	}
	if count == 0 || count > maxIDXItems || size > maxIDXBytes {
		return nil, 0, fmt.Errorf("it claims to hold %d items, which must be from 1 to %d, and %d bytes at most", count, maxIDXItems, maxIDXBytes)
	}
	// Memory grows with what arrives, not with what is claimed.
	var data bytes.Buffer
	n, err := io.Copy(&data, io.LimitReader(r, size+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("after %d of %d values: %w", n, size, err)
	case n < size:
		return nil, 0, fmt.Errorf("it ends after %d of %d values", n, size)
	case n > size:
		return nil, 0, fmt.Errorf("there is more after its %d values", size)
	}
	return data.Bytes(), int(count), nil
}
