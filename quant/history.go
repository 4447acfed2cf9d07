package quant

// History is a plan with its past and its undone future.
type History struct {
	plans []Plan
	at    int
	saved int // index of the plan that was saved last, -1 if it is gone
}

// NewHistory begins with p, which counts as saved.
func NewHistory(p Plan) *History { return &History{plans: []Plan{p}} }

// Plan returns the present plan.
func (h *History) Plan() Plan { return h.plans[h.at] }

// Previous returns the plan before the last change, or the present one if
// there is none.
func (h *History) Previous() Plan { return h.plans[max(0, h.at-1)] }

// Push makes p the present plan and forgets what was undone. A plan that says
// the same as the present one changes nothing.
func (h *History) Push(p Plan) {
	if p.Equal(h.Plan()) {
		return
	}
	if h.saved > h.at {
		h.saved = -1
	}
	h.plans = append(h.plans[:h.at+1], p)
	h.at++
}

// Amend puts p in the place of the present plan, so that a change that goes on, a
// slider that is dragged, is undone as one.
func (h *History) Amend(p Plan) {
	if h.saved >= h.at {
		h.saved = -1
	}
	h.plans = append(h.plans[:h.at], p)
}

// Undo goes one change back and reports whether there was one.
func (h *History) Undo() bool {
	if h.at == 0 {
		return false
	}
	h.at--
	return true
}

// Redo takes the last undone change up again and reports whether there was one.
func (h *History) Redo() bool {
	if h.at == len(h.plans)-1 {
		return false
	}
	h.at++
	return true
}

// MarkSaved notes that the present plan is on disk.
func (h *History) MarkSaved() { h.saved = h.at }

// Saved reports whether the present plan is the one on disk.
func (h *History) Saved() bool { return h.saved == h.at }
