// Package archive gives the members of a zip archive as files of a model: those
// that are stored where they lie, those that are deflated unpacked when they are
// first looked at. It writes nothing anywhere.
//
// NumPy and PyTorch keep their arrays in such archives.
package archive

import (
	"archive/zip"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
)

// Limits on what an archive may ask of its reader.
const (
	maxDirectory = 6 << 20  // bytes of the list of members: fifty thousand and more
	maxUnpacked  = 64 << 20 // bytes that deflated members take in memory, and
	unpackedMore = 2        // times the bytes of the archive on top
)

// The rules that archives are held to.
const (
	ruleZip       = "the archive must be a zip file with a list of its members at the end"
	ruleDirectory = "the archive lists more members than can be opened"
	ruleName      = "a member's name must be a path inside the archive"
	ruleTwice     = "two members must not have the same name"
	ruleMethod    = "a member must be stored or deflated"
	ruleSealed    = "a member must not be encrypted"
	ruleSizes     = "a stored member must have the size that it takes"
	ruleHeader    = "a member must have a header of its own"
	ruleOwn       = "a member's own header must say what the list says of it"
	ruleOverlap   = "members must not overlap"
	ruleEnd       = "a member must end within the archive"
	ruleBomb      = "deflated members must fit in memory; store them without compression"
	ruleDeflate   = "a deflated member must unpack to the size that the archive states"
	ruleSum       = "a deflated member must unpack to the checksum that the archive states"
)

// Archive is an open archive.
type Archive struct {
	Members []*Member // in the order of the archive's list, folders left out

	file     *model.File
	list     *reader       // what the list and the headers of members are read by
	unpacked []*model.File // of deflated members that were opened
	bytes    int64         // of these
}

// Unpacked returns the files that Open made, for the caller to close.
func (a *Archive) Unpacked() []*model.File { return a.unpacked }

// Member is a file in an archive.
type Member struct {
	Name string // as in the archive, with slashes
	Size int64  // of the content

	zip      *zip.File
	begin    int64       // of its header, once it was opened
	at       int64       // of the stored or deflated content, once known
	file     *model.File // the content is in it, once opened
	offset   int64
	archive  *Archive
	deflated bool
}

// Open reads the list of the members of f.
func Open(f *model.File) (*Archive, error) {
	directory := &reader{file: f, left: maxDirectory}
	z, err := zip.NewReader(directory, f.Size())
	switch {
	case errors.Is(err, zip.ErrInsecurePath): // told with the member's name below
	case err != nil:
		if known := (*model.Error)(nil); errors.As(err, &known) {
			return nil, known
		}
		return nil, &model.Error{File: f.Name(), Offset: f.Size(), Rule: ruleZip, Err: err}
	}
	directory.left = 1 << 62 // from here on only headers of members are read
	a := &Archive{file: f, list: directory}
	seen := make(map[string]struct{}, len(z.File))
	for _, item := range z.File {
		if strings.HasSuffix(item.Name, "/") {
			continue
		}
		m := &Member{Name: item.Name, Size: int64(item.UncompressedSize64), zip: item, at: model.NoOffset, archive: a, deflated: item.Method == zip.Deflate}
		if err := m.check(seen); err != nil {
			return nil, err
		}
		a.Members = append(a.Members, m)
	}
	return a, nil
}

// check holds what the list says about m to the rules.
func (m *Member) check(seen map[string]struct{}) error {
	f := m.archive.file
	if err := model.CheckName(f.Name(), model.NoOffset, m.Name); err != nil {
		return err
	}
	if path.IsAbs(m.Name) || path.Clean(m.Name) != m.Name || m.Name == ".." || strings.HasPrefix(m.Name, "../") || strings.Contains(m.Name, `\`) {
		return m.broken(ruleName, "")
	}
	if _, twice := seen[m.Name]; twice {
		return m.broken(ruleTwice, "")
	}
	seen[m.Name] = struct{}{}
	switch {
	case m.zip.Flags&1 != 0:
		return m.broken(ruleSealed, "")
	case m.zip.Method != zip.Store && !m.deflated:
		return m.broken(ruleMethod, "method %d", m.zip.Method)
	case !m.deflated && m.zip.CompressedSize64 != m.zip.UncompressedSize64:
		return m.broken(ruleSizes, "%d bytes, it takes %d", m.zip.UncompressedSize64, m.zip.CompressedSize64)
	case m.zip.CompressedSize64 > uint64(f.Size()):
		return m.broken(ruleEnd, "it has %d bytes, the archive %d", m.zip.CompressedSize64, f.Size())
	}
	return nil
}

func (m *Member) broken(rule, format string, args ...any) error {
	found := fmt.Sprintf("member %q", m.Name)
	if format != "" {
		found += ": " + fmt.Sprintf(format, args...)
	}
	return &model.Error{File: m.archive.file.Name(), Offset: m.at, Rule: rule, Found: found}
}

// Open returns the file that the content of m is in, and where: the archive
// itself, or a file of its own that is unpacked when it is first looked at.
func (m *Member) Open() (file *model.File, offset int64, err error) {
	if m.file != nil {
		return m.file, m.offset, nil
	}
	at, err := m.zip.DataOffset()
	if err != nil {
		if known := (*model.Error)(nil); errors.As(err, &known) {
			return nil, 0, known
		}
		return nil, 0, m.broken(ruleHeader, "%v", err)
	}
	m.at = at
	a, packed := m.archive, int64(m.zip.CompressedSize64)
	if at < 0 || at > a.file.Size()-packed {
		return nil, 0, m.broken(ruleEnd, "it has %d bytes from %d on, the archive %d", packed, at, a.file.Size())
	}
	m.begin = a.list.last
	if err := m.checkOwn(m.begin); err != nil {
		return nil, 0, err
	}
	if !m.deflated {
		m.file, m.offset = a.file, at
		return m.file, m.offset, nil
	}
	limit := maxUnpacked + unpackedMore*a.file.Size()
	if m.Size < 0 || m.Size > limit-a.bytes {
		return nil, 0, m.broken(ruleBomb, "it unpacks to %d bytes, beside %d of others; at most %d may", m.zip.UncompressedSize64, a.bytes, limit)
	}
	a.bytes += m.Size
	m.file = model.NewLazyFile(a.file.Name()+"/"+m.Name, m.Size, func() ([]byte, error) { return m.unpack(packed) })
	a.unpacked = append(a.unpacked, m.file)
	return m.file, 0, nil
}

// fixed is the length of a member's header before its name.
const fixed = 30

// checkOwn holds the header of m, which begins at begin, to the list of members:
// who goes by the one must not see another file than who goes by the other.
func (m *Member) checkOwn(begin int64) error {
	return m.archive.file.View(begin, m.at-begin, func(h []byte) error {
		le := binary.LittleEndian
		name := string(h[fixed:][:min(len(h)-fixed, int(le.Uint16(h[26:])))])
		method, packed, size := le.Uint16(h[8:]), le.Uint32(h[18:]), le.Uint32(h[22:])
		later := le.Uint16(h[6:])&8 != 0 // the sizes follow the content
		if name != m.zip.Name || method != m.zip.Method ||
			!later && (!agrees(packed, m.zip.CompressedSize64) || !agrees(size, m.zip.UncompressedSize64)) {
			return m.broken(ruleOwn, "%.80q, method %d, %d bytes that take %d", name, method, size, packed)
		}
		return nil
	})
}

// agrees reports whether a header of 32 bits may say so of n: larger numbers stand
// elsewhere.
func agrees(said uint32, n uint64) bool { return uint64(said) == n || said == 1<<32-1 }

// Apart returns an error if members that were opened overlap.
func (a *Archive) Apart() error {
	var opened []*Member
	for _, m := range a.Members {
		if m.file != nil {
			opened = append(opened, m)
		}
	}
	slices.SortStableFunc(opened, func(a, b *Member) int { return cmp.Compare(a.begin, b.begin) })
	end := int64(0)
	for _, m := range opened {
		if m.begin < end {
			return m.broken(ruleOverlap, "it begins at %d, before %d where another one ends", m.begin, end)
		}
		end = m.at + int64(m.zip.CompressedSize64)
	}
	return nil
}

// Deflated reports whether m has to be unpacked.
func (m *Member) Deflated() bool { return m.deflated }

// Head returns the first bytes of m's content, n at most. Of a deflated member
// no more is unpacked.
func (m *Member) Head(n int) ([]byte, error) {
	file, offset, err := m.Open()
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(int64(n), m.Size))
	if !m.deflated {
		return head, file.View(offset, int64(len(head)), func(b []byte) error {
			copy(head, b)
			return nil
		})
	}
	return head, m.inflate(head, int64(m.zip.CompressedSize64))
}

// unpack returns the content of a deflated member.
func (m *Member) unpack(packed int64) ([]byte, error) {
	content := make([]byte, m.Size)
	if err := m.inflate(content, packed); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(content) != m.zip.CRC32 {
		return nil, &model.Error{File: m.archive.file.Name(), Offset: m.at, Rule: ruleSum, Found: fmt.Sprintf("member %q", m.Name)}
	}
	return content, nil
}

// inflate fills dst with the beginning of m's content.
func (m *Member) inflate(dst []byte, packed int64) error {
	source := io.NewSectionReader(&reader{file: m.archive.file, left: 1 << 62}, m.at, packed)
	f := flate.NewReader(source)
	_, err := io.ReadFull(f, dst)
	if err == nil {
		return nil
	}
	if known := (*model.Error)(nil); errors.As(err, &known) {
		return known
	}
	return &model.Error{
		File: m.archive.file.Name(), Offset: m.at, Rule: ruleDeflate,
		Found: fmt.Sprintf("member %q of %d bytes", m.Name, m.Size), Err: err,
	}
}

// reader reads a file, as long as it is asked for no more than is left.
type reader struct {
	file *model.File
	left int64
	last int64 // where it was read last
}

func (r *reader) ReadAt(p []byte, at int64) (int, error) {
	r.last = at
	n := min(int64(len(p)), r.file.Size()-at)
	if at < 0 || n <= 0 {
		return 0, io.EOF
	}
	if r.left -= n; r.left < 0 {
		return 0, &model.Error{
			File: r.file.Name(), Offset: at, Rule: ruleDirectory,
			Found: fmt.Sprintf("at most %d bytes of names and places are read", maxDirectory),
		}
	}
	err := r.file.View(at, n, func(b []byte) error {
		copy(p, b)
		return nil
	})
	if err == nil && n < int64(len(p)) {
		err = io.EOF
	}
	return int(n), err
}
