package quant

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	"github.com/pelletier/go-toml/v2"

	"github.com/bitdial/bitdial/quant/model"
)

// Device is a machine that a model is to run on.
type Device struct {
	Name     string
	Memory   int64 // bytes
	Reserved int64 // of them, what the system and other programs hold
}

const gib = 1 << 30

// devices is the table of devices that need no file.
var devices = []Device{
	{"4 GB board", 4 * gib, 1 * gib},
	{"8 GB board", 8 * gib, 1 * gib},
	{"8 GB phone", 8 * gib, 4 * gib},
	{"12 GB phone", 12 * gib, 5 * gib},
	{"16 GB laptop", 16 * gib, 4 * gib},
	{"32 GB laptop", 32 * gib, 6 * gib},
	{"16 GB Mac", 16 * gib, 16 * gib / 3}, // the GPU may take two thirds, and three quarters of more
	{"64 GB Mac", 64 * gib, 16 * gib},
	{"8 GB GPU", 8 * gib, 1 * gib},
	{"12 GB GPU", 12 * gib, 1 * gib},
	{"16 GB GPU", 16 * gib, 1 * gib},
	{"24 GB GPU", 24 * gib, 1 * gib},
	{"48 GB GPU", 48 * gib, 1 * gib},
	{"80 GB GPU", 80 * gib, 1 * gib},
}

// deviceFile is devices as TOML; of one with the name of another, the last counts.
type deviceFile struct {
	Devices []struct {
		Name     string `toml:"name"`
		Memory   string `toml:"memory"`
		Reserved string `toml:"reserved"`
	} `toml:"device"`
}

// maxDevices bounds the file of devices.
const maxDevices = 1 << 20

// DevicesPath returns the file in which users name devices of their own:
//
//	[[device]]
//	name = "robot"
//	memory = "4GiB"
//	reserved = "512MiB"
func DevicesPath() string { return filepath.Join(xdg.ConfigHome, "bitdial", "devices.toml") }

// Devices returns the devices by the memory that they leave to a model, the
// least first: those that everybody has, and those of the user's file, which
// replace others of their name.
func Devices() ([]Device, error) {
	list := slices.Clone(devices)
	own, err := readDevices(DevicesPath())
	for _, d := range own {
		if i := slices.IndexFunc(list, func(o Device) bool { return o.Name == d.Name }); i >= 0 {
			list[i] = d
		} else {
			list = append(list, d)
		}
	}
	slices.SortStableFunc(list, func(a, b Device) int { return int(min(1, max(-1, a.Memory-a.Reserved-(b.Memory-b.Reserved)))) })
	return list, err
}

func readDevices(path string) ([]Device, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && info.Size() > maxDevices:
		return nil, fmt.Errorf("%s: larger than %d bytes: it is no list of devices", path, maxDevices)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, model.FileError(path, err)
	}
	var file deviceFile
	decoder := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: not a list of [[device]] with name, memory and reserved: %w", path, err)
	}
	var list []Device
	for i, entry := range file.Devices {
		d := Device{Name: entry.Name}
		if d.Memory, err = ParseBytes(entry.Memory); err != nil {
			return nil, fmt.Errorf("%s: device %d: memory %w", path, i+1, err)
		}
		if entry.Reserved != "" {
			if d.Reserved, err = ParseBytes(entry.Reserved); err != nil {
				return nil, fmt.Errorf("%s: device %d: reserved %w", path, i+1, err)
			}
		}
		if d.Name == "" || model.CheckName(path, 0, d.Name) != nil || d.Reserved > d.Memory {
			return nil, fmt.Errorf("%s: device %d needs a name of one line, and to reserve no more than its memory", path, i+1)
		}
		list = append(list, d)
	}
	return list, nil
}

// DeviceOf returns the device of list called name, blanks, hyphens and case aside;
// nil if there is none.
func DeviceOf(list []Device, name string) *Device {
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(s)) }
	for i := range list {
		if plain(list[i].Name) == plain(name) {
			return &list[i]
		}
	}
	return nil
}

// Room is how a device's memory is divided.
type Room struct {
	Weights int64 // what is left to them; negative if nothing is
	Cache   int64 // keys and values of the context
	Buffers int64 // what is computed on the way
	Assumed string
}

// batch is how many tokens run at once while a prompt is read, as llama.cpp has it.
const batch = 512

// Budget returns what d leaves to the weights of a model, with its keys and values
// for context tokens as f16, and what was assumed.
func (d Device) Budget(f Facts, context int) Room {
	r := Room{Cache: f.CacheBytes(context), Buffers: 4 * batch * int64(max(f.Vocabulary, 4*f.Embedding))}
	r.Weights = d.Memory - d.Reserved - r.Cache - r.Buffers
	text := fmt.Sprintf("%s, %s of it reserved", d.Name, sizeText(d.Reserved))
	if f.Unknown != "" {
		r.Assumed = fmt.Sprintf("%s; no keys and values counted: %s", text, f.Unknown)
		return r
	}
	r.Assumed = fmt.Sprintf("%s; %s for keys and values of %d tokens as f16 in %d layers; %s for buffers of %d tokens", text, sizeText(r.Cache), context, f.Layers, sizeText(r.Buffers), batch)
	return r
}

// sizeText returns n bytes in the largest binary unit that leaves a whole part.
func sizeText(n int64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{gib, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if size := float64(n) / u.size; size >= 1 || size <= -1 {
			return fmt.Sprintf("%.3g %s", size, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
