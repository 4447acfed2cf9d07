package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// array is a file of NumPy's, big-endian and column by column.
func array() []byte {
	header := "{'descr': '>f4', 'fortran_order': True, 'shape': (2, 32), }"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	b = append(b, header...)
	for i := range 64 {
		b = binary.BigEndian.AppendUint32(b, []uint32{0x3f800000, 0x40000000, 0x40400000, 0x3f000000}[i%4])
	}
	return b
}

func TestModelsOfOtherFormatsAreInspectedAndMeasured(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "w.npy"), array(), 0o600); err != nil {
		t.Fatal(err)
	}
	if lines := done(t, folder, "inspect", "w.npy"); !slices.Contains(lines, "w\tF32\t[2,32]\t64\t256") {
		t.Errorf("%q", lines)
	}
	if lines := done(t, folder, "measure", "w.npy", "-s", "int4:g32"); len(lines) != 3 || !strings.HasPrefix(lines[1], "w\tint4:g32\t64\t") {
		t.Errorf("%q", lines)
	}
}

// quantizedNetwork is an ONNX network of one weight in four bits, which a node
// turns into [0.5 1 1.5 2].
const quantizedNetwork = "\x08\x08\x3a\x37" +
	"\x0a\x1b\x0a\x01w\x0a\x01s\x12\x01y\x22\x10DequantizeLinear" +
	"\x2a\x0b\x08\x04\x10\x16\x42\x01w\x4a\x02\x21\x43" +
	"\x2a\x0b\x10\x01\x42\x01s\x4a\x04\x00\x00\x00\x3f"

func TestInspectSaysHowWeightsAreHeld(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "net.onnx"), []byte(quantizedNetwork), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := done(t, folder, "inspect", "net.onnx")
	want := []string{
		"tensor\tdtype\tshape\tparams\tbytes\tencoding",
		"w\tF32\t[4]\t4\t16\tint4 per tensor",
		"s\tF32\t[]\t1\t4\t",
		"total\t\t\t5\t20\t",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if lines := done(t, folder, "inspect", "net.onnx", "--json"); keys(t, lines[0]) != "tensor dtype shape params bytes encoding" {
		t.Errorf("got %q", lines)
	}
}
