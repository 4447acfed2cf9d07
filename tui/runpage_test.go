package tui

import "testing"

func TestTheRunPageShowsWhatThePlanDoesToTheAnswers(t *testing.T) {
	s := sitWithShapes(t, 120, 34)
	s.press("r")
	t.Log("\n" + s.screen.plain())
	s.press("2 a 3 enter")
	t.Log("\n" + s.screen.plain())
}

func TestTwoNetworksContinueTheSameText(t *testing.T) {
	s := sitWithVerses(t, 120, 34)
	s.press("r")
	t.Log("\n" + s.screen.plain())
	s.press("3 a 3 enter")
	t.Log("\n" + s.screen.plain())
	s.press("x")
	t.Log("\n" + s.screen.plain())
}
