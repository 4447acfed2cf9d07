package torch

import (
	"fmt"
	"path"
	"strings"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/model/archive"
)

// checkpoint is an archive of torch.save or of TorchScript.
type checkpoint struct {
	m         *model.Model
	f         *model.File
	members   map[string]*archive.Member // by name, less the archive's own
	machine   *machine
	bigEndian bool
}

const dataPickle = "data.pkl"

// addArchive adds the tensors of the archive f to m.
func addArchive(m *model.Model, f *model.File) error {
	a, err := archive.Open(f)
	if err != nil {
		return err
	}
	c := &checkpoint{m: m, f: f, members: map[string]*archive.Member{}, machine: newMachine(f.Name())}
	root := ""
	for _, member := range a.Members {
		if folder, base := path.Split(member.Name); base == dataPickle && strings.Count(folder, "/") <= 1 {
			root = folder
			break
		}
	}
	for _, member := range a.Members {
		if name, ok := strings.CutPrefix(member.Name, root); ok {
			c.members[name] = member
		}
	}
	if c.members[dataPickle] == nil {
		return &model.Error{File: f.Name(), Offset: model.NoOffset, Rule: ruleNoPickle, Found: fmt.Sprintf("%d members", len(a.Members))}
	}
	if err := c.readByteOrder(); err != nil {
		return err
	}
	if err := c.add(dataPickle, "data/", ""); err != nil {
		return err
	}
	if c.members["constants.pkl"] != nil {
		if err := c.add("constants.pkl", "constants/", "constants"); err != nil {
			return err
		}
	}
	m.Files = append(m.Files, a.Unpacked()...)
	return a.Apart()
}

func (c *checkpoint) readByteOrder() error {
	member := c.members["byteorder"]
	if member == nil {
		return nil // older ones are little-endian
	}
	head, err := member.Head(16)
	if err != nil {
		return err
	}
	switch string(head) {
	case "little":
	case "big":
		c.bigEndian = true
	default:
		return &model.Error{File: c.f.Name(), Offset: model.NoOffset, Rule: ruleByteOrder, Found: fmt.Sprintf("%q", head)}
	}
	return nil
}

// placeOf returns where member is.
func placeOf(member *archive.Member) (place, error) {
	file, offset, err := member.Open()
	return place{file, offset, member.Size}, err
}

// add adds the tensors of a pickle, whose storages are in a folder, under a path.
func (c *checkpoint) add(pickle, folder, prefix string) error {
	member := c.members[pickle]
	if member.Deflated() && member.Size > maxPacked {
		return &model.Error{File: c.f.Name(), Offset: model.NoOffset, Rule: rulePacked, Found: fmt.Sprintf("%d bytes, at most %d", member.Size, maxPacked)}
	}
	p, err := placeOf(member)
	if err != nil {
		return err
	}
	clear(c.machine.storages) // those of another pickle are others
	var value any
	err = p.file.View(p.offset, p.size, func(b []byte) (err error) {
		c.machine.feed(b, p.offset)
		value, err = c.machine.run()
		return err
	})
	if err != nil {
		return err
	}
	w := &walker{m: c.machine}
	if err := w.walk(prefix, value, 0); err != nil {
		return err
	}
	return add(c.m, w.found, c.bigEndian, func(s *storage) (place, error) {
		member := c.members[folder+s.key]
		if member == nil {
			return place{}, &model.Error{File: c.f.Name(), Offset: s.at, Rule: ruleNoStorage, Found: fmt.Sprintf("%.80q", folder+s.key)}
		}
		return placeOf(member)
	})
}
