package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
)

// remedies are what the key walks through: of networks that tell pictures apart
// what helps convolutions, of those that continue texts what moves outliers of
// activations into weights.
var remedies = map[bool][]quant.Remedies{
	true:  {{}, {Equalize: true}, {CorrectBias: true}, {Equalize: true, CorrectBias: true}},
	false: {{}, {Smooth: 25}, {Smooth: 50}, {Smooth: 75}},
}

// nextRemedy gives the plan the next remedy.
func (a *app) nextRemedy() tea.Cmd {
	task := a.run.task()
	if task == nil {
		return nil
	}
	list := remedies[task.Classes != nil]
	plan := a.history.Plan()
	plan.Remedies = list[(slices.Index(list, plan.Remedies)+1)%len(list)]
	a.notice = "no remedy"
	if text := plan.Remedies.String(); text != "" {
		a.notice = "remedy: " + text + ", before and after rounding; in float nothing changes"
	}
	return a.change(plan)
}
