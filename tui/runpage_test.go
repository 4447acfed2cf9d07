package tui

import "testing"

func TestTheRunPageShowsWhatThePlanDoesToTheAnswers(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.press("r")
	t.Log("\n" + s.screen.plain())
	s.press("2 a 3 enter")
	t.Log("\n" + s.screen.plain())
}
