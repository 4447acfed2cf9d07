package model_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/bitdial/bitdial/quant/model"
)

func TestNamesThatATerminalWouldObeyAreRefusedAndQuoted(t *testing.T) {
	for _, name := range []string{
		"\x1b[31mred", "a\nb", "bell\a", "nul\x00", "del\x7f", "c1\u009b31m", "rtl\u202eoverride", "isolate\u2066",
		"mark\u200f", "line\u2028", "latin1\xe9", "cut\xe2\x80", strings.Repeat("long", 2000),
	} {
		err := model.CheckName("x.safetensors", 9, name)
		var broken *model.Error
		if !errors.As(err, &broken) || broken.Rule == "" || broken.Offset != 9 {
			t.Errorf("%.40q: %v", name, err)
			continue
		}
		for _, r := range err.Error() {
			if !unicode.IsPrint(r) {
				t.Errorf("the error for %.40q holds %U", name, r)
			}
		}
	}
}

func TestOrdinaryNamesAreAccepted(t *testing.T) {
	for _, name := range []string{"", "model.layers.0.self_attn.q_proj.weight", "a b/c:d", "größe", "重み", "🐈‍⬛", "\ufffd"} {
		if err := model.CheckName("x", 0, name); err != nil {
			t.Error(err)
		}
	}
}

func TestAnErrorIsOneLineWhateverTheFileIsCalled(t *testing.T) {
	err := &model.Error{File: "a\n\x1b[2J", Offset: model.NoOffset, Rule: "rule", Err: errors.New("x\ny")}
	if got, want := err.Error(), `"a\n\x1b[2J": rule: "x\ny"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
