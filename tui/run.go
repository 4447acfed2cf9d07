package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// Options are what the explorer starts with.
type Options struct {
	Model    *model.Model
	Plan     quant.Plan
	PlanPath string                                  // the file that Plan came from, "" if none
	Task     *net.Task                               // the model as a network with its data; nil if it cannot be run
	Imatrix  string                                  // the file of an importance matrix, "" if none
	Open     func(path string) (*model.Model, error) // opens another model
}

// DefaultPlan is where the explorer begins: int8, one scale per tensor. A
// single scale is the scheme whose grid a histogram shows.
func DefaultPlan() quant.Plan {
	s, err := quant.Parse("int8")
	if err != nil {
		panic(err)
	}
	return quant.Plan{Default: quant.Choice{Scheme: s}}
}

// Run shows the explorer until it is left. It closes the model, or the one
// opened after it. The error is tea.ErrInterrupted after ctrl-C.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := newApp(ctx, o)
	if o.Imatrix != "" {
		w, err := openImportance(o.Imatrix, o.Model)
		if err != nil {
			return errors.Join(err, o.Model.Close())
		}
		a.attach(matrixMsg{o.Model, w})
	}
	_, err := tea.NewProgram(a, tea.WithContext(ctx)).Run()
	cancel()
	if a.writing != nil {
		<-a.writing.ended // so that no part of a file is left
	}
	if a.recovery.asked > 0 {
		// However it ended, by a key, a signal or a panic, an unsaved plan is kept.
		err = errors.Join(err, a.recoveryWrite()())
	}
	if a.against.model != nil {
		err = errors.Join(err, a.against.model.Close())
	}
	if a.weighted() {
		err = errors.Join(err, a.importance.matrix.Close())
	}
	return errors.Join(err, a.model.Close())
}
