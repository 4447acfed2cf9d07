package samples

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAustenIsSixNovelsOfEightyCharacters(t *testing.T) {
	a := austenText
	if len(a.Alphabet) != 80 || !slices.IsSorted([]byte(a.Alphabet)) {
		t.Errorf("the alphabet has %d characters", len(a.Alphabet))
	}
	for _, part := range []struct {
		name        string
		text        []byte
		length      int
		begins, sum string
	}{
		{"train", a.Train(), 3_543_356, "SENSE AND SENSIBILITY\n", "1ece2378ff820d0c"},
		{"validation", a.Validation(), 214_104, "Persuasion\n", "f788e7dd57d98eb1"},
		{"test", a.Test(), 249_212, "Chapter 13\n", "34eaef516a71fa54"},
	} {
		if len(part.text) != part.length || !bytes.HasPrefix(part.text, []byte(part.begins)) {
			t.Errorf("%s: %d bytes, beginning with %.30q", part.name, len(part.text), part.text)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(part.text))[:16]; sum != part.sum {
			t.Errorf("%s: %s", part.name, sum)
		}
		for i, c := range part.text {
			if strings.IndexByte(a.Alphabet, c) < 0 {
				t.Fatalf("%s: character %d is %q", part.name, i, c)
			}
		}
	}
}

func TestWindowsAreAnywhereInTheText(t *testing.T) {
	text := []byte("0123456789")
	starts := map[byte]bool{}
	for i := range 200 {
		w := Window(text, 4, 1, i)
		if len(w) != 4 || cap(w) != 4 || !bytes.Contains(text, w) {
			t.Fatalf("window %d is %q", i, w)
		}
		starts[w[0]] = true
		if again := Window(text, 4, 1, i); !bytes.Equal(again, w) {
			t.Fatalf("window %d is %q, then %q", i, w, again)
		}
	}
	if len(starts) != 7 {
		t.Errorf("windows begin at %d places of 7", len(starts))
	}
	if w := Window(text, 10, 5, 5); !bytes.Equal(w, text) {
		t.Errorf("the only window is %q", w)
	}
}
