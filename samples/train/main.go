// Command train makes the networks that the samples are: go run ./samples/train
// NAME. The result follows from the seed, on one kind of processor to the bit.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
	"github.com/bitdial/bitdial/quant/net"
	"github.com/bitdial/bitdial/samples"
)

// recipe is how a sample's network is made.
type recipe struct {
	name     string
	graph    func(seed uint64) *net.Graph
	training net.Training
}

// recipes is the table of the samples' networks.
var recipes = []recipe{
	{
		"animals",
		func(seed uint64) *net.Graph { return pictures([]int{3, 32, 32}, [4]int{16, 32, 64, 64}, 12, seed) },
		net.Training{Batch: 64, Steps: 5000, Rate: 4e-3, Decay: 0.01},
	},
	{
		"fashion",
		func(seed uint64) *net.Graph { return pictures([]int{1, 28, 28}, [4]int{24, 48, 96, 96}, 10, seed) },
		net.Training{Batch: 64, Steps: 8000, Rate: 3e-3, Decay: 0.02},
	},
	{
		"austen",
		func(seed uint64) *net.Graph { return llama(samples.Context, 128, 4, 4, 320, seed) },
		net.Training{Batch: 16, Steps: 4000, Rate: 3e-3, Decay: 0.1},
	},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("train", flag.ContinueOnError)
	seed := flags.Uint64("seed", 1, "of the first weights and the order of inputs")
	steps := flags.Int("steps", 0, "instead of the recipe's")
	data := flags.String("data", "", "folder with the whole data set, where the program carries a part")
	out := flags.String("o", "", "file to write, that of the sample if not given")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, r := range recipes {
		if r.name != flags.Arg(0) {
			continue
		}
		if *steps > 0 {
			r.training.Steps = *steps
		}
		if *out == "" {
			*out = filepath.Join("samples", r.name, r.name+".safetensors")
		}
		return r.make(ctx, *seed, *data, *out)
	}
	return fmt.Errorf("NAME is animals, fashion or austen, not %q", flags.Arg(0))
}

func (r recipe) make(ctx context.Context, seed uint64, data, out string) error {
	task, err := samples.DataOf(r.name, data)
	if err != nil {
		return err
	}
	n, err := net.Of(r.graph(seed))
	if err != nil {
		return err
	}
	o := r.training
	o.Seed = seed
	t, err := net.NewTrainer(ctx, n, task.Train, quant.Plan{}, nil, o)
	if err != nil {
		return err
	}
	begun, last := time.Now(), time.Now()
	err = t.Run(ctx, func(p net.Progress) error {
		if time.Since(last) < 10*time.Second {
			return nil
		}
		last = time.Now()
		fmt.Fprintf(os.Stderr, "step %d of %d  loss %.4f  %v left\n", p.Step, p.Steps, p.Loss, p.Left.Round(time.Second))
		return nil
	})
	if err != nil {
		return err
	}
	trained := t.Result()
	if err := tell(ctx, task, trained, "validation", task.Validation); err != nil {
		return err
	}
	for _, test := range task.Tests {
		if err := tell(ctx, task, trained, test.Name, test.Data); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "trained in %v\n", time.Since(begun).Round(time.Second))
	return trained.Save(out, true, model.KeyValue{Key: "title", Value: r.name})
}

// tell prints how well the network answers.
func tell(ctx context.Context, task *net.Task, n *net.Network, name string, data net.Data) error {
	trial, err := net.NewTrial(n, data)
	if err != nil {
		return err
	}
	s, err := trial.Score(ctx, nil, data.Len(), nil)
	if err != nil {
		return err
	}
	if task.Classes == nil {
		fmt.Fprintf(os.Stderr, "%s: %.4f bits per byte\n", name, s.BitsPerToken())
		return nil
	}
	fmt.Fprintf(os.Stderr, "%s: %.2f %% of %d\n", name, 100*s.Accuracy(), s.N)
	return nil
}
