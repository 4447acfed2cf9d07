package net

import (
	"context"
	"fmt"
	"slices"

	"github.com/bitdial/bitdial/quant"
)

// Task is a network with the data that it is for.
type Task struct {
	Network *Network
	Input   []int    // the shape of an input
	Classes []string // what the answers are called; nil where they are bytes of a text

	Train      Data // to learn from, and to calibrate with
	Validation Data // to choose by
	Tests      []Test
	Training   Training // that suits training under a plan

	// Picture returns how input i of one of the data looks: width·height pixels
	// of red, green and blue. It is nil where inputs are texts.
	Picture func(d Data, i int) (rgb []byte, width, height int)
}

// Test are data that nothing was chosen by.
type Test struct {
	Name string // "renderings", in lower case
	Data
}

// Use makes n the task's network, if it takes the task's inputs.
func (t *Task) Use(n *Network) error {
	if !slices.Equal(n.Input.Shape, t.Input) {
		return fmt.Errorf("the network takes inputs of shape %v, and the data have %v", n.Input.Shape, t.Input)
	}
	t.Network = n
	return nil
}

// longEpoch bounds how many inputs count as one pass over data that do not end.
const longEpoch = 1 << 16

// Epoch returns how many inputs are one pass over the training data.
func (t *Task) Epoch() int { return min(t.Train.Len(), longEpoch) }

// Trainer returns what trains the network under plan, remedied first and
// calibrated over count inputs where the plan needs that.
func (t *Task) Trainer(ctx context.Context, plan quant.Plan, count int, o Training) (*Trainer, error) {
	n, err := t.Network.before(ctx, plan.Remedies, t.Train, count, nil)
	if err != nil {
		return nil, err
	}
	var cal *Calibration
	if plan.NeedsCalibration() {
		if cal, err = n.calibrated(ctx, t.Train, count, nil); err != nil {
			return nil, err
		}
	}
	return NewTrainer(ctx, n, t.Train, plan, cal, o)
}
