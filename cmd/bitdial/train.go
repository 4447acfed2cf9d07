package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant/net"
)

// train is quantization-aware training from a sample's weights.
func train() *cobra.Command {
	var flags networkFlags
	var out string
	var epochs, minutes, rate float64
	var seed uint64
	var fixed, force, asJSON bool
	c := &cobra.Command{
		Use:   "train SAMPLE -s SCHEME [-a ACTIVATION] -o OUT",
		Short: "Train a sample's network under a plan, so that it survives quantization",
		Long: `Train the network of a sample further, from its weights, with quantization in the forward pass: quantization-aware training. Gradients go straight through the rounding; the scales of integer schemes are learned, unless --fixed-steps. Without -s and -a it is trained in float.

OUT holds float weights that the plan no longer changes, and as metadata the scales that were learned: bitdial eval SAMPLE --weights OUT with the same -s and -a shows it. It is written every half minute and at the end, whole each time; a training that is interrupted, or diverges, leaves the last one.

A line as it goes, and the last one at the end; --json: objects with the keys step steps loss top1 (for texts bits_per_byte) seconds, on validation data.`,
		Example: `bitdial train sample:animals -s int2:channel --minutes 2 -o animals-int2.safetensors
bitdial train sample:animals -s int3:channel -a int3:asym:static --minutes 2 -o animals-int3.safetensors`,
		Args:              between(1, 1, "SAMPLE"),
		ValidArgsFunction: completeModel,
	}
	flags.add(c)
	c.Flags().StringVarP(&out, "output", "o", "", "the file to write, OUT")
	c.Flags().Float64Var(&epochs, "epochs", 0, "train for so many passes over the training data")
	c.Flags().Float64Var(&minutes, "minutes", 0, "train for so many minutes, as fast as this machine is")
	c.Flags().Float64Var(&rate, "rate", 0, "the greatest learning rate, the sample's own if not given")
	c.Flags().Uint64Var(&seed, "seed", 1, "of the order of inputs")
	c.Flags().BoolVar(&fixed, "fixed-steps", false, "keep scales as their range chooses them instead of learning them")
	c.Flags().BoolVar(&force, "force", false, "overwrite OUT")
	c.Flags().BoolVar(&asJSON, "json", false, "lines of JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		if epochs < 0 || minutes < 0 || rate < 0 || epochs > 0 && minutes > 0 {
			return wrong(c, "--epochs N or --minutes M, one of the two and above 0")
		}
		m, task, plan, err := flags.open(c, args[0])
		if err != nil {
			return err
		}
		defer m.Close() //nolint:errcheck // only read
		bar := newProgress(1)
		defer bar.wipe()
		o := task.Training
		o.Seed, o.FixedSteps = seed, fixed
		if rate > 0 {
			o.Rate = rate
		}
		if epochs > 0 {
			o.Steps = max(1, int(epochs*float64(task.Epoch())/float64(o.Batch)))
		}
		o.Within = time.Duration(minutes * float64(time.Minute))
		t, err := task.Trainer(c.Context(), plan, flags.calibrate, o)
		if err != nil {
			return err
		}
		run := training{task: task, trainer: t, out: out, force: force, sheet: newSheet(asJSON, trainColumns(task))}
		run.sheet.bar = bar
		return run.all(c.Context())
	}
	return c
}

func trainColumns(task *net.Task) []column {
	how := column{key: "top1", title: "top-1", width: 7, show: showShare}
	if task.Classes == nil {
		how = column{key: "bits_per_byte", title: "bits/byte", width: 9, show: showFixed(4)}
	}
	return []column{
		{key: "step", title: "step", width: 7, show: showCount},
		{key: "steps", title: "of", width: 7, show: showCount},
		{key: "loss", title: "loss", width: 7, show: showFixed(4)},
		how,
		{key: "seconds", title: "seconds", width: 7, show: showFixed(1)},
	}
}

// training is one on its way.
type training struct {
	task    *net.Task
	trainer *net.Trainer
	trial   *net.Trial
	out     string
	force   bool
	sheet   *sheet

	saved    time.Time
	reported time.Time
}

const (
	saveEvery   = 30 * time.Second
	reportEvery = 5 * time.Second
)

// all runs the training to its end, reporting and saving on the way.
func (r *training) all(ctx context.Context) error {
	var err error
	if r.trial, err = net.NewTrial(r.task.Network, r.task.Validation); err != nil {
		return err
	}
	r.sheet.bar.start("training", 1)
	if r.out != "" { // before any work: whether it may be written
		if err := r.save(); err != nil {
			return err
		}
	}
	r.reported = time.Now()
	var last net.Progress
	err = r.trainer.Run(ctx, func(p net.Progress) error {
		last = p
		if bar := r.sheet.bar.from(0, 1); bar != nil {
			bar(float64(p.Step) / float64(p.Steps))
		}
		if r.out != "" && time.Since(r.saved) > saveEvery {
			if err := r.save(); err != nil {
				return err
			}
		}
		if time.Since(r.reported) > reportEvery {
			return r.report(ctx, p)
		}
		return nil
	})
	if err != nil {
		if r.out != "" && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%w; %s holds the network as it was last saved", err, oneLine(r.out))
		}
		return err
	}
	if err := r.report(ctx, last); err != nil || r.out == "" {
		return err
	}
	return r.save()
}

// save writes the network as it is; the first time it may refuse to overwrite.
func (r *training) save() error {
	err := r.trainer.Result().Save(r.out, r.force)
	r.saved, r.force = time.Now(), true
	return err
}

func (r *training) report(ctx context.Context, p net.Progress) error {
	const inputs = 500
	s, err := r.trial.Score(ctx, r.trainer.Variant(), inputs, nil)
	if err != nil {
		return err
	}
	how := s.Accuracy()
	if r.task.Classes == nil {
		how = s.BitsPerToken()
	}
	r.reported = time.Now()
	if err := r.sheet.row(p.Step, p.Steps, p.Loss, how, p.Took.Seconds()); err != nil {
		return err
	}
	return r.sheet.flush()
}
