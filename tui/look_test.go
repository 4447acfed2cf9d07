package tui

import "testing"

func TestAPictureIsShrunkToTheMeansOfItsSquares(t *testing.T) {
	l := newLook([]byte{
		0, 0, 0, 100, 0, 0, 9, 9, 9,
		0, 40, 0, 100, 0, 80, 9, 9, 9,
		1, 2, 3, 3, 2, 1, 7, 7, 7,
	}, 3, 3)
	if want := rgb(50, 10, 20); l[1].w != 2 || l[1].h != 2 || l[1].at[0] != want {
		t.Errorf("%d×%d, the first pixel %x, want %x", l[1].w, l[1].h, l[1].at[0], want)
	}
	if want := rgb(2, 2, 2); l[1].at[2] != want || l[1].at[3] != rgb(7, 7, 7) {
		t.Errorf("the last row is %x", l[1].at[2:])
	}
	s := newScreen(5, 3)
	paintPixels(s, s.area(), &l[0], true)
	if st := s.styleAt(1, 0); s.glyphAt(1, 0) != '▀' || st.fg != rgb(100, 0, 0) || st.bg != rgb(100, 0, 80) {
		t.Errorf("the second column is %+v", st)
	}
	if st := s.styleAt(0, 1); st.bg != colText || s.glyphAt(0, 2) != ' ' || s.glyphAt(3, 0) != ' ' {
		t.Errorf("below the last row of pixels is %+v", st)
	}
}
