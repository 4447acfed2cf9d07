package quant

import (
	"path"
	"testing"

	"pgregory.net/rapid"
)

// Match is path.Match, slashes aside.
func TestMatchIsPathMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		glob := rapid.StringMatching(`([ab\.é*?\]\\/]|\[a-b\]|\[\^a\])*`).Draw(t, "glob")
		name := rapid.StringMatching(`[ab\.é*\]\\/]*`).Draw(t, "name")
		want, err := path.Match(flat.Replace(glob), flat.Replace(name))
		if got := Match(glob, name); got != (want && err == nil) {
			t.Fatalf("%q and %q: %v, path.Match has %v, %v", glob, name, got, want, err)
		}
	})
}
