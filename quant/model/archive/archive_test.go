package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/modeltest"
)

// zipped returns an archive of members of these names that hold "content".
func zipped(t testing.TB, method uint16, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		m, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil && !strings.HasSuffix(name, "/") {
			_, err = io.WriteString(m, "content")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// opened opens the archive b and its members.
func opened(b []byte) (*model.Model, error) {
	a, err := Open(model.NewFile("x.zip", b))
	if err != nil {
		return nil, err
	}
	for _, m := range a.Members {
		if _, _, err := m.Open(); err != nil {
			return nil, err
		}
		if _, err := m.Head(4); err != nil {
			return nil, err
		}
	}
	return &model.Model{Files: a.Unpacked()}, nil
}

func TestMembersAreFiles(t *testing.T) {
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		a, err := Open(model.NewFile("x.zip", append([]byte("something before it"), zipped(t, method, "folder/", "folder/a", "b")...)))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Members) != 2 {
			t.Errorf("%d members", len(a.Members))
		}
		for _, m := range a.Members {
			file, offset, err := m.Open()
			if err != nil {
				t.Fatal(err)
			}
			if head, err := m.Head(3); err != nil || string(head) != "con" {
				t.Errorf("%s begins with %q (%v)", m.Name, head, err)
			}
			err = file.View(offset, m.Size, func(b []byte) error {
				if string(b) != "content" {
					t.Errorf("%s holds %q", m.Name, b)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// exact returns an archive whose member has its sizes before it.
func exact(t testing.TB, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	m, err := w.CreateRaw(&zip.FileHeader{Name: name, CompressedSize64: 7, UncompressedSize64: 7, CRC32: crc32.ChecksumIEEE([]byte("content"))})
	if err == nil {
		_, err = io.WriteString(m, "content")
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMembersThatOverlapAreRefused(t *testing.T) {
	inner := exact(t, "b")[:30+1+7] // a member within the content of another
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	m, err := w.CreateRaw(&zip.FileHeader{Name: "a", CompressedSize64: uint64(len(inner)), UncompressedSize64: uint64(len(inner))})
	if err == nil {
		_, err = m.Write(inner)
	}
	if err == nil {
		m, err = w.CreateRaw(&zip.FileHeader{Name: "b", CompressedSize64: 7, UncompressedSize64: 7})
	}
	if err == nil {
		_, err = io.WriteString(m, "content")
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	binary.LittleEndian.PutUint32(file[bytes.LastIndex(file, []byte("PK\x01\x02"))+42:], 31)
	a, err := Open(model.NewFile("x.zip", file))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range a.Members {
		if _, _, err := m.Open(); err != nil {
			t.Fatal(err)
		}
	}
	modeltest.Refused(t, "x.zip", a.Apart())
}

func TestEveryLieIsRefused(t *testing.T) {
	stored, deflated := zipped(t, zip.Store, "a"), zipped(t, zip.Deflate, "a")
	// set changes n bytes of the list's only entry.
	set := func(b []byte, at int, value uint32, n int) []byte {
		b = bytes.Clone(b)
		entry := b[bytes.Index(b, []byte("PK\x01\x02")):]
		var v [4]byte
		binary.LittleEndian.PutUint32(v[:], value)
		copy(entry[at:], v[:n])
		return b
	}
	// own changes n bytes of the header before the member.
	own := func(b []byte, at int, value uint32, n int) []byte {
		b = bytes.Clone(b)
		var v [4]byte
		binary.LittleEndian.PutUint32(v[:], value)
		copy(b[at:], v[:n])
		return b
	}
	inside := zipped(t, zip.Store, "a", "b")
	second := bytes.LastIndex(inside, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(inside[second+42:], 0) // both begin at the first
	sized := exact(t, "a")
	many := make([]string, maxDirectory/50)
	for i := range many {
		many[i] = fmt.Sprintf("%07d", i)
	}
	for lie, b := range map[string][]byte{
		"nothing":                          nil,
		"no list":                          stored[:20],
		"an encrypted member":              set(stored, 8, 1, 2),
		"bzip2":                            set(stored, 10, 12, 2),
		"two sizes":                        set(stored, 24, 8, 4),
		"more bytes than there are":        set(set(stored, 24, 1<<30, 4), 20, 1<<30, 4),
		"a place past the end":             set(stored, 42, 1<<30, 4),
		"a place in the middle":            set(stored, 42, 3, 4),
		"an end past the end":              set(set(stored, 24, 200, 4), 20, 200, 4),
		"deflated to 4 GiB":                set(deflated, 24, 1<<32-2, 4),
		"deflated from 1 GiB":              set(deflated, 20, 1<<30, 4),
		"no deflated bytes":                set(deflated, 20, 0, 4),
		"another name of its own":          own(stored, 30, 'b', 1),
		"another method of its own":        own(stored, 8, 8, 2),
		"a name of its own that is longer": own(stored, 26, 2, 2),
		"no header of its own":             own(stored, 0, 0, 4),
		"another size of its own":          own(sized, 22, 8, 4),
		"another length of its own":        own(sized, 18, 6, 4),
		"two members at one place":         inside,
		"a backslash":                      zipped(t, zip.Store, `..\a`),
		"a parent":                         zipped(t, zip.Store, "a/../../b"),
		"the parent":                       zipped(t, zip.Store, ".."),
		"no name":                          zipped(t, zip.Store, ""),
		"a name twice":                     zipped(t, zip.Store, "a", "a"),
		"too many members":                 zipped(t, zip.Store, many...),
	} {
		_, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return opened(b) })
		modeltest.Refused(t, lie, err)
	}
	most := zipped(t, zip.Store, many[:maxDirectory/60]...)
	if _, err := modeltest.Bounded(t, len(most), func() (*model.Model, error) { return opened(most) }); err != nil {
		t.Error(err)
	}
}
