package kernels

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write FORMATS.md")

// bitsPerWeight returns what a weight of f costs: with a binary16 scale for
// every 32 of them where that is a dial.
func bitsPerWeight(f *Format) string {
	shared, store := f.Block(), (*Store)(nil)
	if f.Has(Granular) {
		shared, store = 32, Stores[1]
	}
	if f.Book {
		return fmt.Sprintf("%d + codebook", f.Bits)
	}
	bits := float64(f.Bits)
	if shared > 0 {
		bits += float64(f.UnitBits(store, f.Integer() && f.Bits == 1)) / float64(shared)
	}
	return strconv.FormatFloat(bits, 'f', -1, 64)
}

func page() string {
	var b strings.Builder
	b.WriteString("# Formats\n\nMade from the table of formats by `go test ./kernels -run Page -update`. Bits per weight count every scale: one of 16 bits for 32 weights where scales are a dial.\n")
	for _, family := range Families {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| format | bits per weight | runs on | |\n|---|---|---|---|\n", family, FamilyDoc(family))
		for _, f := range Formats {
			if f.Family == family {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, bitsPerWeight(f), f.Runs, f.About)
			}
		}
		b.WriteString("\n")
		var told []string
		for _, f := range Formats {
			if f.Family != family {
				continue
			}
			var twins []string
			for _, g := range Formats {
				if g.Family == family && g.Doc() == f.Doc() {
					twins = append(twins, "`"+g.Name+"`")
				}
			}
			if twins[0] != "`"+f.Name+"`" {
				continue
			}
			if len(twins) > 4 {
				twins = []string{twins[0], "…", twins[len(twins)-1]}
			}
			told = append(told, "**"+strings.Join(twins, " ")+"** "+f.Doc())
		}
		b.WriteString(strings.Join(told, "\n\n") + "\n")
	}
	return b.String()
}

func TestThePageOfFormatsIsTheTable(t *testing.T) {
	for _, f := range Formats {
		if f.Doc() == "" || FamilyDoc(f.Family) == "" || f.About == "" || f.Runs == "" {
			t.Errorf("%s has no text", f.Name)
		}
	}
	if *update {
		if err := os.WriteFile("FORMATS.md", []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("FORMATS.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != page() {
		t.Error("FORMATS.md is out of date; run with -update")
	}
}
