package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
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
	many := make([]string, maxDirectory/50)
	for i := range many {
		many[i] = fmt.Sprintf("%07d", i)
	}
	for lie, b := range map[string][]byte{
		"nothing":                   nil,
		"no list":                   stored[:20],
		"an encrypted member":       set(stored, 8, 1, 2),
		"bzip2":                     set(stored, 10, 12, 2),
		"two sizes":                 set(stored, 24, 8, 4),
		"more bytes than there are": set(set(stored, 24, 1<<30, 4), 20, 1<<30, 4),
		"a place past the end":      set(stored, 42, 1<<30, 4),
		"a place in the middle":     set(stored, 42, 3, 4),
		"an end past the end":       set(set(stored, 24, 200, 4), 20, 200, 4),
		"deflated to 4 GiB":         set(deflated, 24, 1<<32-2, 4),
		"deflated from 1 GiB":       set(deflated, 20, 1<<30, 4),
		"no deflated bytes":         set(deflated, 20, 0, 4),
		"a backslash":               zipped(t, zip.Store, `..\a`),
		"a parent":                  zipped(t, zip.Store, "a/../../b"),
		"the parent":                zipped(t, zip.Store, ".."),
		"no name":                   zipped(t, zip.Store, ""),
		"a name twice":              zipped(t, zip.Store, "a", "a"),
		"too many members":          zipped(t, zip.Store, many...),
	} {
		_, err := modeltest.Bounded(t, len(b), func() (*model.Model, error) { return opened(b) })
		modeltest.Refused(t, lie, err)
	}
	most := zipped(t, zip.Store, many[:maxDirectory/60]...)
	if _, err := modeltest.Bounded(t, len(most), func() (*model.Model, error) { return opened(most) }); err != nil {
		t.Error(err)
	}
}
