package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
	"github.com/bitdial/bitdial/samples"
)

// networkFlags are the flags of verbs that run a network on its data.
type networkFlags struct {
	plan      planFlags
	weights   string
	data      string
	calibrate int
}

func (f *networkFlags) add(c *cobra.Command) {
	f.plan.add(c, "")
	f.plan.addActivations(c)
	c.Flags().StringVar(&f.weights, "weights", "", "take the network from FILE, as train has written it")
	c.Flags().StringVar(&f.data, "data", "", "folder with the whole data set, where the sample carries a part")
	c.Flags().IntVar(&f.calibrate, "calibrate", 256, "fix static ranges over N inputs")
}

// open returns the model, its network with its data, and the plan.
func (f *networkFlags) open(c *cobra.Command, name string) (*model.Model, *net.Task, quant.Plan, error) {
	sample, ok := strings.CutPrefix(name, samples.Prefix)
	if !ok {
		return nil, nil, quant.Plan{}, wrong(c, "%q is not a sample: only they carry data to run on; there are: %s", name, strings.Join(samples.Names(), ", "))
	}
	plan, err := f.plan.one(c, quant.Plan{})
	if err != nil {
		return nil, nil, plan, err
	}
	if f.calibrate < 1 {
		return nil, nil, plan, wrong(c, "--calibrate %d: at least one input is needed", f.calibrate)
	}
	m, task, err := samples.OpenTask(sample, f.data)
	if err != nil {
		return nil, nil, plan, err
	}
	if f.weights != "" {
		_ = m.Close() // it was only read
		if m, err = open(f.weights); err != nil {
			return nil, nil, plan, err
		}
		n, err := net.New(m)
		if err == nil {
			err = task.Use(n)
		}
		if err != nil {
			_ = m.Close()
			return nil, nil, plan, fmt.Errorf("%s: %w", oneLine(f.weights), err)
		}
	}
	if err := f.plan.check(m); err != nil {
		_ = m.Close()
		return nil, nil, plan, err
	}
	return m, task, plan, nil
}

// under takes the network through the plan.
func (f *networkFlags) under(ctx context.Context, bar *progress, task *net.Task, plan quant.Plan) (*net.Variant, error) {
	bar.start("calibrating", 1)
	return task.Network.Under(ctx, plan, task.Train, f.calibrate, bar.from(0, 1))
}
