package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bitdial/bitdial/quant"
	"github.com/bitdial/bitdial/quant/model"
)

// onnxRecipe is for the Python tools of ONNX Runtime: MatMulNBitsQuantizer for
// weights in groups, once for each scheme, then quantize_static with an override for
// each weight that has a scale per tensor or channel.
var onnxRecipe = &Recipe{
	Name: "onnxruntime", Ext: ".py", For: "onnxruntime",
	About:  "TensorQuantOverrides and nodes_to_exclude for quantize_static, and MatMulNBitsQuantizer, in Python",
	naming: byNode, fits: fitsONNX,
	whyNot: func(s quant.Scheme) string {
		if onnxType(s) == "" && blockBits(s) == 0 {
			return lacks(s, "int4 int8 int16 per tensor or channel; int4 int8 of MatMul in groups of g16 g32 g64 g128 g256")
		}
		return ""
	},
	write: writeONNX,
}

// onnxType returns the QuantType for s, "" if quantize_static has none.
func onnxType(s quant.Scheme) string {
	if bits := integer(s); (bits == 4 || bits == 8 || bits == 16) && grouped(s) == 0 {
		return fmt.Sprintf("QInt%d", bits)
	}
	return ""
}

// blockBits returns the bits of s if MatMulNBits computes with it, else 0.
func blockBits(s quant.Scheme) int {
	if bits := integer(s); (bits == 4 || bits == 8) && sized(s, 16, 32, 64, 128, 256) {
		return bits
	}
	return 0
}

// weighed returns the uses of t in which its node is quantized for it.
func weighed(t *model.Tensor) []model.Use {
	return slices.DeleteFunc(slices.Clone(t.Uses), func(u model.Use) bool {
		return u.Input != 1 && u.Op != "Gather" || !slices.Contains(onnxOperators, u.Op)
	})
}

// onnxOperators are those whose weights are quantized.
var onnxOperators = []string{"Conv", "ConvTranspose", "Gemm", "MatMul", "Gather"}

func fitsONNX(p part) string {
	uses := weighed(p.Tensor)
	switch {
	case p.floats():
		return ""
	case len(uses) == 0:
		return "no node of " + strings.Join(onnxOperators, " ") + " has it as its weights"
	case slices.ContainsFunc(uses, func(u model.Use) bool { return u.Node == "" }):
		return "its node has no name to be told by: give the graph's nodes names first"
	case grouped(p.Scheme) > 0 && slices.ContainsFunc(uses, func(u model.Use) bool { return u.Op != "MatMul" }):
		return "groups are for MatMul alone, it is used by " + uses[0].Op
	}
	return ""
}

// override is what quantize_static is told of a tensor.
type override struct {
	Type      string `json:"quant_type"`
	Symmetric bool   `json:"symmetric"`
	Axis      *int   `json:"axis,omitempty"`
}

func writeONNX(s *sheet) error {
	overrides := map[string][]override{}
	operators, static := map[string]bool{}, map[string]bool{}
	blocks := map[quant.Scheme]map[string]bool{}
	turned, otherwise := 0, 0
	for _, p := range s.parts {
		if p.floats() {
			continue
		}
		for _, u := range weighed(p.Tensor) {
			if blockBits(p.Scheme) > 0 {
				if blocks[p.Scheme] == nil {
					blocks[p.Scheme] = map[string]bool{}
				}
				blocks[p.Scheme][u.Node] = true
				continue
			}
			operators[u.Op], static[u.Node] = true, true
		}
		if blockBits(p.Scheme) > 0 {
			otherwise++
			continue
		}
		o := override{Type: onnxType(p.Scheme), Symmetric: !p.Scheme.Asymmetric}
		if p.Scheme.Granularity == quant.PerChannel {
			axis := 0
			if u := weighed(p.Tensor)[0]; u.Axis != model.NoAxis && u.Axis != 0 {
				axis = u.Axis
				turned++
			}
			o.Axis = &axis
		}
		overrides[p.Name] = []override{o}
	}
	if len(static)+len(blocks) == 0 {
		return errNothing
	}
	var b strings.Builder
	b.WriteString("import json\n\nimport onnx\nfrom onnxruntime.quantization import QuantFormat, QuantType, quantize_static\nfrom onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer\n\n")
	matmuls := s.nodes(func(u model.Use) bool { return u.Op == "MatMul" })
	b.WriteString("# bits, block_size, is_symmetric, nodes_to_exclude\nBLOCKS = [\n")
	for _, scheme := range slices.SortedFunc(maps.Keys(blocks), func(a, b quant.Scheme) int { return strings.Compare(a.String(), b.String()) }) {
		without := slices.DeleteFunc(slices.Clone(matmuls), func(node string) bool { return blocks[scheme][node] })
		fmt.Fprintf(&b, "    (%d, %d, %s, %s),\n", blockBits(scheme), grouped(scheme), pythonBool(!scheme.Asymmetric), pythonJSON(without))
	}
	b.WriteString("]\n\n")
	exclude := s.nodes(func(u model.Use) bool { return operators[u.Op] && !static[u.Node] })
	fmt.Fprintf(&b, "OVERRIDES = %s\nOP_TYPES = %s\nEXCLUDE = %s\n# products of activations have no weights to name them by\nNODES = %s\n", pythonJSON(overrides), pythonJSON(slices.Sorted(maps.Keys(operators))), pythonJSON(exclude), pythonJSON(slices.Sorted(maps.Keys(static))))
	activation, symmetric := s.activation()
	fmt.Fprintf(&b, `

def quantize(source, out, calibration):
    """calibration is a CalibrationDataReader; None if OVERRIDES is empty."""
    model = onnx.load(source)
    for bits, block_size, is_symmetric, exclude in BLOCKS:
        q = MatMulNBitsQuantizer(model, bits=bits, block_size=block_size, is_symmetric=is_symmetric, nodes_to_exclude=exclude)
        q.process()
        model = q.model.model
    if not OVERRIDES:
        onnx.save(model, out)
        return
    for tensor in OVERRIDES.values():
        for channel in tensor:
            channel["quant_type"] = QuantType[channel["quant_type"]]
    quantize_static(
        model,
        out,
        calibration,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=OP_TYPES,
        nodes_to_exclude=EXCLUDE,
        nodes_to_quantize=NODES,
        per_channel=False,
        activation_type=QuantType.%s,
        weight_type=QuantType.QInt8,
        extra_options={"TensorQuantOverrides": OVERRIDES, "ActivationSymmetric": %s},
    )
`, activation, pythonBool(symmetric))
	s.Text = b.String()
	if turned > 0 {
		s.note("%d weights have their output channels on another axis than the first, which the plan has scales for: the recipe takes the axis of output channels", turned)
	}
	if otherwise > 0 {
		s.note("MatMulNBits has groups along the inputs of a MatMul: where weights lie as inputs × outputs, the plan was measured with groups along the other axis")
	}
	s.tellFloats()
	return nil
}

// nodes returns the names of nodes that use a weight as asked, sorted.
func (s *sheet) nodes(asked func(model.Use) bool) []string {
	found := map[string]bool{}
	for _, t := range s.model.Tensors {
		for _, u := range weighed(t) {
			if u.Node != "" && asked(u) {
				found[u.Node] = true
			}
		}
	}
	return append([]string{}, slices.Sorted(maps.Keys(found))...)
}

// activation returns the type that quantize_static gives what flows, and notes
// where the plan has it otherwise.
func (s *sheet) activation() (quantType string, symmetric bool) {
	a := s.plan.DefaultActivation
	switch {
	case a.Keep():
		s.note("quantize_static quantizes what flows between layers too, as QUInt8; the plan leaves it in float")
		return "QUInt8", false
	case !a.Static || len(s.plan.ActivationRules) > 0 || onnxType(a.Scheme) == "" || a.Granularity != quant.PerTensor || a.Format.Bits == 4:
		s.note("quantize_static has one type for what flows: the recipe takes QUInt8 and calibrates it, the plan has it otherwise")
		return "QUInt8", false
	case a.Asymmetric:
		return fmt.Sprintf("QUInt%d", a.Format.Bits), false
	}
	return onnxType(a.Scheme), true
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// pythonJSON returns v, an object or an array, as an expression of Python that reads
// it as JSON, where no three quotes follow each other.
func pythonJSON(v any) string {
	text := strings.TrimSpace(indented(v))
	if !strings.Contains(text, "\n") || len(text) < 60 {
		text = strings.TrimSpace(compact(v))
	}
	return `json.loads(r"""` + text + `""")`
}
