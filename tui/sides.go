package tui

import (
	"fmt"
	"math"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
)

// sides are the views of the sensitivity page, in the order of the key that turns
// it over.
var sides = [...]int{pageSensitivity, pageMeasures, pageGrid, pageCurves}

// sideFills is what each view wants to know next.
var sideFills = map[int]func(*app) (request, bool){
	pageSensitivity: (*app).missingCell,
	pageCurves:      (*app).missingCell,
	pageGrid:        (*app).missingInGrid,
}

// toSensitivity shows the view that was shown last: at first the whole model
// where it has layers that repeat, else the map by formats. The cursor there is at
// the layer's present format.
func (a *app) toSensitivity() tea.Cmd {
	_, s := a.selected()
	if c := slices.Index(a.heat.formats(), s.Format); c >= 0 {
		a.heat.column = c
	}
	if a.side == 0 {
		a.side = pageSensitivity
		if a.arrangeGrid(); len(a.grid.kinds) > 2 && len(a.grid.rows) > 2 {
			a.side = pageGrid
		}
	}
	return a.turnTo(a.side)
}

// nextSide shows the next view.
func (a *app) nextSide() tea.Cmd {
	at := slices.Index(sides[:], a.page)
	a.side = sides[(at+1)%len(sides)]
	if a.side == pageMeasures && a.run.bench == nil { // only its weights can be measured
		a.side = sides[(at+2)%len(sides)]
	}
	if a.side == pageMeasures && a.measures.column == columnForecast {
		a.measures.column = columnAlone
	}
	return a.turnTo(a.side)
}

// pause stops looking for what fills the views, or goes on.
func (a *app) pause() tea.Cmd {
	a.paused = !a.paused
	a.pace = pace{}
	return nil
}

// progressText says how much of a view is known, and how long the rest takes.
func (a *app) progressText(known, all int) string {
	switch {
	case known == all:
		a.pace = pace{}
		return ""
	case a.paused:
		return fmt.Sprintf(" · %d/%d, paused", known, all)
	}
	return fmt.Sprintf(" · %d/%d ≈%s", known, all, a.pace.left(known, all, time.Now()))
}

// pace tells how long it takes until all of something is known, from how fast it
// went until now.
type pace struct {
	all, from int
	since     time.Time
}

// left returns "· 0:03 left", or "" while that cannot be told.
func (p *pace) left(known, all int, now time.Time) string {
	if p.all != all || known < p.from {
		*p = pace{all, known, now}
	}
	took := now.Sub(p.since).Seconds()
	if known == p.from || took < 0.5 {
		return ""
	}
	seconds := int(math.Ceil(took * float64(all-known) / float64(known-p.from)))
	return fmt.Sprintf(" · %d:%02d left", seconds/60, seconds%60)
}

// viewShape is how a view is divided.
type viewShape struct {
	wide        int // columns from which on words stand beside it
	words, rest int // columns that they take at most, and that they leave at least
	rows        int // that they take below, where it is narrower
}

// viewParts divides a view into its first row, what it shows, and where that is
// put into words.
func (a *app) viewParts(r rect, v viewShape) (top, body, words rect) {
	in := r.inset(1)
	_, in = in.cutLeft(1)
	if in.w < v.wide {
		top, body = in.cutTop(1)
		words, body = body.cutBottom(v.rows)
		return top, body, words
	}
	words, in = in.cutRight(min(v.words, in.w-v.rest))
	a.screen.vrule(r, words.x, fg(colFaint))
	_, words = words.cutLeft(2)
	top, body = in.cutTop(1)
	return top, body, words
}
