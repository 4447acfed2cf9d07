//go:build unix

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestInspectingAHundredGigabytesIsFastAndSmall(t *testing.T) {
	const tensors, side = 700, 6000
	const size = 4 * side * side
	header := map[string]any{}
	for i := range tensors {
		header[fmt.Sprintf("blk.%d.weight", i)] = map[string]any{"dtype": "F32", "shape": []int{side, side}, "data_offsets": []int{i * size, (i + 1) * size}}
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "huge.safetensors")
	if err := os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(8+len(text)+tensors*size)); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	c := exec.Command(binaryPath, "inspect", path)
	out, err := c.Output()
	took := c.ProcessState.UserTime() + c.ProcessState.SystemTime() // whatever else the machine does
	if err != nil || strings.Count(string(out), "\n") != tensors+2 {
		t.Fatalf("%v, %d lines", err, strings.Count(string(out), "\n"))
	}
	if took > 300*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if ok && runtime.GOOS == "linux" && usage.Maxrss > 100<<10 { // in KiB
		t.Errorf("it took %d MiB", usage.Maxrss>>10)
	}
	t.Logf("%v", took)
}

func TestAFullDiskUnderStdoutIsAnError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close() //nolint:errcheck // never written
	for _, args := range []string{"inspect sample:animals", "measure sample:animals -s int4 --json", "schemes", "version", "explain 1 -s int4", "explain 1 -s int4 --json"} {
		var errs strings.Builder
		c := exec.Command(binaryPath, strings.Fields(args)...)
		c.Stdout, c.Stderr = full, &errs
		_ = c.Run() // the exit code is what counts
		if code := c.ProcessState.ExitCode(); code != 1 || !strings.HasPrefix(errs.String(), "bitdial: ") {
			t.Errorf("%s: exit %d, stderr %q", args, code, errs.String())
		}
	}
}
