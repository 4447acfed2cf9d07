package tui

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// kept is a network that was trained here, nil if none was.
type kept struct {
	network *net.Network
	saved   bool
	path    string // where, "" if nowhere
}

// keepNetwork shows the trained weights instead of those before: everything that
// was known of them is of tensors that are no longer there. Answers are still
// compared with the float network as it was opened.
func (a *app) keepNetwork(msg keptMsg) tea.Cmd {
	if msg.of != a.training {
		return nil
	}
	a.endTraining()
	release := a.letGo() // what was compared are tensors before it
	task, reference := *a.run.task(), a.run.bench.reference
	task.Network = msg.network
	a.work.stop()
	a.model = msg.network.Model(a.model)
	a.planned = newPlanned(a.model, a.history.Plan())
	a.work = newWork()
	a.budget.choice, a.budget.of, a.budget.ours = planSpace{}, [3]int{}, 0
	a.beginSweep()
	a.run = newRunning(&task)
	a.run.bench.reference = reference
	a.micro.reset()
	a.kept = kept{network: msg.network}
	a.notice = "the trained weights are in place; W writes them to a file"
	return release
}

// unsaved reports whether trained weights would be lost.
func (a *app) unsaved() bool { return a.kept.network != nil && !a.kept.saved || a.training.unkept() }

// askSaveWeights asks where to write the trained weights.
func (a *app) askSaveWeights() tea.Cmd {
	if a.kept.network == nil {
		a.notice = "nothing was trained and kept: the weights are those of the file"
		return nil
	}
	path := a.kept.path
	if path == "" {
		path = filepath.Base(a.model.Name) + ".trained.safetensors"
	}
	a.dialog = &lineDialog{
		title: "Write the trained weights to", about: "safetensors: float32, with the network's graph and the steps that were learned. ⏎ write · esc cancel",
		line: newInput(path),
		done: func(a *app, text string) tea.Cmd { return a.saveWeights(text, text == a.kept.path) },
	}
	return nil
}

// savedWeightsMsg is how writing trained weights has ended.
type savedWeightsMsg struct {
	of   *net.Network
	path string
	err  error
}

// saveWeights writes the trained weights aside.
func (a *app) saveWeights(path string, force bool) tea.Cmd {
	network := a.kept.network
	var about []model.KeyValue
	for _, kv := range a.model.Metadata {
		if !strings.HasPrefix(kv.Key, "bitdial.") { // what the network says of itself
			about = append(about, kv)
		}
	}
	return func() tea.Msg { return savedWeightsMsg{network, path, network.Save(path, force, about...)} }
}

// savedWeights asks before it overwrites what is not its own.
func (a *app) savedWeights(msg savedWeightsMsg) tea.Cmd {
	switch {
	case errors.Is(msg.err, fs.ErrExist):
		a.dialog = &question{"Overwrite?", msg.path + " exists.", []choice{
			{"o", "overwrite it", func(a *app) tea.Cmd { return a.saveWeights(msg.path, true) }},
			{"esc", "cancel", nil},
		}}
	case msg.err != nil:
		a.dialog = newFailure(msg.err)
	case msg.of == a.kept.network:
		a.kept.path, a.kept.saved = msg.path, true
		a.notice = "the trained weights are in " + msg.path
	}
	return nil
}

// askWeights asks, before do, whether trained weights may be lost; verb names
// what is about to happen.
func (a *app) askWeights(title, verb string, do func(a *app) tea.Cmd) tea.Cmd {
	q := &question{title: title}
	if a.training.unkept() {
		q.text = "The network is being trained, and what it has learned is not kept."
		q.choices = append(q.choices, choice{"k", "keep it", func(a *app) tea.Cmd { return tea.Batch(a.turnTo(pageTraining), a.keepTraining()) }})
	} else {
		q.text = "The trained weights are not written to a file."
		q.choices = append(q.choices, choice{"w", "write them", (*app).askSaveWeights})
	}
	q.choices = append(q.choices, choice{"x", verb + " without", do}, choice{"esc", "stay", nil})
	a.dialog = q
	return nil
}
