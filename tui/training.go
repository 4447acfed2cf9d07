package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
)

// training is quantization-aware training under way. It goes on in commands,
// a twentieth of a second each: whichever is under way owns the trainer, and
// none is started while the training pauses.
type training struct {
	name    string // of the plan
	plan    quant.Plan
	state   trainingState
	under   bool // a command is under way
	trainer *net.Trainer
	trial   *net.Trial // before the data to choose by
	ctx     context.Context
	cancel  context.CancelFunc
	after   func(a *app) tea.Cmd // what to do when the command under way is done

	step, steps     int
	took            time.Duration // of the steps
	loss            curve         // of the last batches, their mean
	mean            float64       // the last point of it
	accuracy        curve         // on the data to choose by; of texts, bits per token
	float           float64       // the same of the float network, the line to reach
	checked         int           // the step of the last point of accuracy
	checking, since time.Duration // how long the last one took, and the steps since
	weights         seenWeights
	err             error
}

type trainingState int

const (
	preparing trainingState = iota
	learning
	paused
	finished // all steps are done, or the user has stopped it
	failed
)

// seenWeights is how the weights of one layer are spread.
type seenWeights struct {
	tensor              *model.Tensor
	original, quantized quant.Histogram
}

const (
	pieceOfTraining  = 50 * time.Millisecond
	validationInputs = 500
	checkShare       = 6 // steps take so many times as long as validation
)

// trainedMsg is what a command of a training has done.
type trainedMsg struct {
	of       *training
	losses   []float64
	took     time.Duration
	checked  bool // the next two are known
	accuracy float64
	float    float64
	checking time.Duration
	weights  seenWeights
	trial    *net.Trial
	err      error
}

// busy reports whether steps are being taken, or will be when that is ready.
func (t *training) busy() bool { return t != nil && (t.state == preparing || t.state == learning) }

// unkept reports whether leaving would lose what was learned.
func (t *training) unkept() bool { return t != nil && t.step > 0 && t.state != failed }

// toTraining shows the training, and begins one if there is none.
func (a *app) toTraining() tea.Cmd {
	if why := a.whyNoRun(); why != "" {
		a.notice = why
		return nil
	}
	if a.training == nil || a.training.state == failed {
		ctx, cancel := context.WithCancel(a.ctx)
		a.training = &training{ctx: ctx, cancel: cancel}
	}
	return a.turnTo(pageTraining)
}

// doPrepare makes the trainer: what it copies of the network, no other job may
// touch meanwhile.
func doPrepare(ctx context.Context, _ errand, g given, _ func(float64)) (any, error) {
	return g.task.Trainer(ctx, g.plan, net.CalibrationInputs, g.task.Training)
}

// nextPreparation returns the errand that makes the trainer that is waited for.
func (a *app) nextPreparation() (errand, bool) {
	t := a.training
	if t == nil || t.state != preparing {
		return errand{}, false
	}
	t.name, t.plan = a.planName(), a.history.Plan()
	e := errand{kind: prepareTraining, plan: a.planSum()}
	if err := a.run.failed[e]; err != nil {
		t.state, t.err = failed, err
		delete(a.run.failed, e) // another attempt may be made
		return errand{}, false
	}
	return e, true
}

// begin starts the training that was prepared.
func (a *app) begin(e errand, tr *net.Trainer) {
	if t := a.training; t != nil && t.state == preparing && e.plan == a.planSum() {
		t.trainer, t.steps, t.state = tr, tr.Steps, learning
	}
}

// train starts the next piece of the training, if it is its turn.
func (a *app) train() tea.Cmd {
	t := a.training
	if t == nil || t.under || t.trainer == nil {
		return nil
	}
	if t.after != nil {
		after := t.after
		t.after = nil
		return after(a)
	}
	tensor, _ := a.selected()
	first, last := t.trial == nil, t.state == finished && t.checked < t.step
	if t.state != learning && !last && (t.weights.tensor == tensor || t.state == failed) {
		return nil
	}
	t.under = true
	steps := 0
	if t.state == learning {
		steps = t.steps - t.step
	}
	check := first || last || steps > 0 && t.since > checkShare*t.checking
	task, reference := a.run.task(), a.run.bench.reference
	trainer, trial, ctx, before := t.trainer, t.trial, t.ctx, t.weights
	if first {
		steps = 0 // what rounding does is the first point
	}
	return func() tea.Msg {
		r := trainedMsg{of: t, trial: trial}
		r.err = r.run(ctx, trainer, steps)
		if check && r.err == nil {
			begun := time.Now()
			r.err = r.check(ctx, trainer, reference, task.Validation)
			r.checking = time.Since(begun)
		}
		if tensor != nil && r.err == nil {
			r.weights = weightsOf(trainer, tensor, before)
		}
		return r
	}
}

// run takes steps for a while.
func (r *trainedMsg) run(ctx context.Context, tr *net.Trainer, steps int) error {
	begun := time.Now()
	for range steps {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		loss, err := tr.Next()
		if err != nil {
			return err
		}
		r.losses = append(r.losses, loss)
		if r.took = time.Since(begun); r.took > pieceOfTraining {
			break
		}
	}
	return nil
}

// check finds out how well the network answers now.
func (r *trainedMsg) check(ctx context.Context, tr *net.Trainer, reference *net.Network, data net.Data) error {
	n := min(validationInputs, data.Len())
	if data.Labels() > 1 {
		n = min(n, max(1, 8*quickTokens/data.Labels()))
	}
	if r.trial == nil {
		trial, err := net.NewTrial(reference, net.First(data, n, reference.InputLen()))
		if err != nil {
			return err
		}
		s, err := trial.Score(ctx, nil, n, nil)
		if err != nil {
			return err
		}
		r.trial, r.float = trial, merit(s, data)
	}
	s, err := r.trial.Score(ctx, tr.Variant(), n, nil)
	if err != nil {
		return err
	}
	r.accuracy, r.checked = merit(s, data), true
	return nil
}

// merit returns what tells how good a score is: the share of right answers, of
// texts the bits per token.
func merit(s *net.Score, data net.Data) float64 {
	if data.Labels() > 1 {
		return s.BitsPerToken()
	}
	return s.Accuracy()
}

// weightsOf counts a layer's weights, over the range of the time before or a
// wider one: a plot should not tremble.
func weightsOf(tr *net.Trainer, t *model.Tensor, before seenWeights) seenWeights {
	lo, hi, err := tr.Range(t.Name)
	if err != nil {
		return seenWeights{tensor: t}
	}
	if before.tensor == t {
		lo, hi = min(lo, before.original.Lo), max(hi, before.original.Hi)
	}
	w := seenWeights{tensor: t}
	w.original, w.quantized, _ = tr.Histograms(t.Name, lo, hi)
	return w
}

// trained takes in what a piece of a training has done.
func (a *app) trained(r trainedMsg) tea.Cmd {
	t := r.of
	t.under = false
	if t != a.training {
		return nil
	}
	for _, loss := range r.losses {
		if t.step++; t.step == 1 {
			t.mean = loss
		}
		t.mean += (loss - t.mean) / 20
		t.loss.add(float64(t.step), t.mean)
	}
	t.took += r.took
	t.since += r.took
	if r.trial != nil {
		t.trial = r.trial
	}
	if r.checked {
		if t.accuracy.n == 0 {
			t.float = r.float
		}
		t.accuracy.add(float64(t.step), r.accuracy)
		t.checked, t.checking, t.since = t.step, r.checking, 0
	}
	if r.weights.tensor != nil {
		t.weights = r.weights
	}
	switch {
	case errors.Is(r.err, context.Canceled):
	case r.err != nil:
		t.state, t.err = failed, r.err
		a.notice = r.err.Error()
	case t.state == learning && t.step >= t.steps:
		t.state = finished
	}
	return nil
}

// left returns how long the steps that are left will take.
func (t *training) left() time.Duration {
	if t.step == 0 {
		return 0
	}
	return time.Duration(float64(t.took) / float64(t.step) * float64(t.steps-t.step))
}

// pauseTraining pauses, or goes on.
func (a *app) pauseTraining() tea.Cmd {
	switch t := a.training; {
	case t == nil:
	case t.state == learning:
		t.state = paused
	case t.state == paused:
		t.state = learning
	}
	return nil
}

// stopTraining takes no more steps.
func (a *app) stopTraining() tea.Cmd {
	if t := a.training; t != nil && (t.state == learning || t.state == paused) {
		t.state = finished
	}
	return nil
}

// dropTraining gives up what was learned.
func (a *app) dropTraining() tea.Cmd {
	if !a.training.unkept() {
		return a.endTraining()
	}
	a.dialog = &question{"Drop the training?", "What the steps so far have learned is lost; the network stays as it was before.", []choice{
		{"d", "drop it", (*app).endTraining},
		{"esc", "go on", nil},
	}}
	return nil
}

// endTraining forgets the training.
func (a *app) endTraining() tea.Cmd {
	if a.training != nil {
		a.training.cancel()
		a.training = nil
	}
	if a.page == pageTraining {
		return a.turnTo(pageRun)
	}
	return nil
}
