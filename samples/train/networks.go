package main

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/bitdial/bitdial/quant/net"
)

// builder adds nodes to a graph, each reading what the last one wrote.
type builder struct {
	g    *net.Graph
	at   string // the last output
	draw *rand.Rand
}

func newBuilder(input string, shape []int, seed uint64) *builder {
	return &builder{
		g:    &net.Graph{Input: net.Port{Name: input, Shape: shape}, Weight: map[string]*net.Weight{}},
		at:   input,
		draw: rand.New(rand.NewPCG(seed, 0)),
	}
}

// node adds a node called name whose first input is the last output.
func (b *builder) node(op, name string, attrs net.Attributes, more ...string) *builder {
	b.g.Nodes = append(b.g.Nodes, net.Node{Name: name, Op: op, Inputs: append([]string{b.at}, more...), Output: name + ".out", Attrs: attrs})
	b.at = name + ".out"
	return b
}

// weight draws a weight from a normal distribution.
func (b *builder) weight(name string, deviation float64, shape ...int) string {
	n := 1
	for _, d := range shape {
		n *= d
	}
	w := &net.Weight{Shape: shape, Data: make([]float32, n)}
	for i := range w.Data {
		w.Data[i] = float32(b.draw.NormFloat64() * deviation)
	}
	b.g.Weight[name] = w
	return name
}

// ones makes a weight of ones.
func (b *builder) ones(name string, n int) string {
	b.weight(name, 0, n)
	for i := range b.g.Weight[name].Data {
		b.g.Weight[name].Data[i] = 1
	}
	return name
}

// conv adds a convolution of 3×3 and a rectifier (He et al.'s initialization).
func (b *builder) conv(name string, in, out int) *builder {
	w := b.weight(name+".weight", math.Sqrt(2/float64(9*in)), out, in, 3, 3)
	b.node("Conv", name, net.Attributes{"pads": {1, 1, 1, 1}}, w, b.weight(name+".bias", 0, out))
	return b.node("Relu", name+".relu", nil)
}

// pool halves height and width.
func (b *builder) pool(name string) *builder {
	return b.node("MaxPool", name, net.Attributes{"kernel_shape": {2, 2}, "strides": {2, 2}})
}

// linear adds a linear layer without a bias.
func (b *builder) linear(name string, in, out int, deviation float64) *builder {
	return b.node("Gemm", name, net.Attributes{"transB": {1}}, b.weight(name+".weight", deviation, out, in))
}

func (b *builder) done() *net.Graph {
	b.g.Output = b.at
	return b.g
}

// pictures is a network of four convolutions, pooled in between, their channels'
// means and a linear layer.
func pictures(shape []int, channels [4]int, classes int, seed uint64) *net.Graph {
	b := newBuilder("picture", shape, seed)
	in := shape[0]
	for i, out := range channels {
		b.conv(fmt.Sprintf("conv%d", i+1), in, out)
		if i < len(channels)-1 {
			b.pool(fmt.Sprintf("pool%d", i+1))
		}
		in = out
	}
	b.node("GlobalAveragePool", "mean", nil).node("Flatten", "flat", nil)
	w := b.weight("fc.weight", math.Sqrt(1/float64(in)), classes, in)
	return b.node("Gemm", "fc", net.Attributes{"transB": {1}}, w, b.weight("fc.bias", 0, classes)).done()
}

// llama is a language model over bytes: blocks of attention with rotary
// embedding and of gated linear layers (SwiGLU), each after a root mean square
// normalization (Touvron et al., "LLaMA", 2023). Tensors are called as in Hugging
// Face's checkpoints.
func llama(length, width, blocks, heads, hidden int, seed uint64) *net.Graph {
	b := newBuilder("tokens", []int{length}, seed)
	const tokens = 256
	deviation := 1 / math.Sqrt(float64(width))
	residual := deviation / math.Sqrt(2*float64(blocks)) // of what is added to the stream
	table := b.weight("model.embed_tokens.weight", 1, tokens, width)
	b.g.Nodes = append(b.g.Nodes, net.Node{Name: "embed", Op: "Gather", Inputs: []string{table, b.at}, Output: "embed.out"})
	b.at = "embed.out"
	norm := func(name string) {
		b.node("RMSNormalization", name, nil, b.ones(name+".weight", width))
	}
	turned := net.Attributes{"num_heads": {float64(heads)}}
	for i := range blocks {
		p := fmt.Sprintf("model.layers.%d.", i)
		stream := b.at
		norm(p + "input_layernorm")
		in := b.at
		q := b.linear(p+"self_attn.q_proj", width, width, deviation).node("RotaryEmbedding", p+"self_attn.q_rotary", turned).at
		b.at = in
		k := b.linear(p+"self_attn.k_proj", width, width, deviation).node("RotaryEmbedding", p+"self_attn.k_rotary", turned).at
		b.at = in
		v := b.linear(p+"self_attn.v_proj", width, width, deviation).at
		b.at = q
		b.node("Attention", p+"self_attn.attention", net.Attributes{"q_num_heads": {float64(heads)}, "kv_num_heads": {float64(heads)}, "is_causal": {1}}, k, v)
		b.linear(p+"self_attn.o_proj", width, width, residual)
		b.node("Add", p+"self_attn.residual", nil, stream)
		stream = b.at
		norm(p + "post_attention_layernorm")
		in = b.at
		gate := b.linear(p+"mlp.gate_proj", width, hidden, deviation).node("Swish", p+"mlp.act", nil).at
		b.at = in
		up := b.linear(p+"mlp.up_proj", width, hidden, deviation).at
		b.at = gate
		b.node("Mul", p+"mlp.gated", nil, up)
		b.linear(p+"mlp.down_proj", hidden, width, residual*math.Sqrt(float64(width)/float64(hidden)))
		b.node("Add", p+"mlp.residual", nil, stream)
	}
	norm("model.norm")
	return b.linear("lm_head", width, tokens, deviation).done()
}
