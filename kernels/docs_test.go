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

// costs is a table of what the formats of the family take, with a column for
// blocks if they have them.
func costs(family string) string {
	var b strings.Builder
	for _, f := range Formats {
		if f.Family != family {
			continue
		}
		head, line, block := "", "", ""
		if n := f.Block(); n > 0 {
			head, line, block = " block |", "---|", fmt.Sprintf(" %d in %d bytes |", n, (n*f.Bits+f.UnitBits(nil, false))/8)
		}
		if b.Len() == 0 {
			fmt.Fprintf(&b, "| format | bits per weight |%s runs on | |\n|---|---|%s---|---|\n", head, line)
		}
		fmt.Fprintf(&b, "| `%s` | %s |%s %s | %s |\n", f.Name, bitsPerWeight(f), block, f.Runs, f.About)
	}
	return b.String()
}

// values is a table of what codes stand for, where a format of the family has
// few; formats of the same values share a row.
func values(family string) string {
	var rows []string
	named := map[string]string{}
	for _, f := range Formats {
		if list := f.ValuesDoc(); f.Family == family && list != "" {
			if named[list] == "" {
				rows = append(rows, list)
			} else {
				named[list] += " "
			}
			named[list] += "`" + f.Name + "`"
		}
	}
	if rows == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| format | values before scaling |\n|---|---|\n")
	for _, list := range rows {
		fmt.Fprintf(&b, "| %s | %s |\n", named[list], list)
	}
	return b.String()
}

func page() string {
	var b strings.Builder
	b.WriteString("# Formats\n\nMade from the table of formats by `go test ./kernels -run Page -update`. Bits per weight count every scale: one of 16 bits for 32 weights where scales are a dial.\n")
	for _, family := range Families {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", family, FamilyDoc(family), costs(family))
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
		b.WriteString(strings.Join(told, "\n\n") + "\n" + values(family))
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
