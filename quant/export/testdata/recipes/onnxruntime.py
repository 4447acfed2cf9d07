import json

import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

# bits, block_size, is_symmetric, nodes_to_exclude
BLOCKS = [
    (4, 32, True, json.loads(r"""["node_proj"]""")),
]

OVERRIDES = json.loads(r"""{
  "conv2.weight": [
    {
      "quant_type": "QInt8",
      "symmetric": true,
      "axis": 0
    }
  ],
  "fc.weight": [
    {
      "quant_type": "QInt8",
      "symmetric": true
    }
  ],
  "proj": [
    {
      "quant_type": "QInt8",
      "symmetric": false,
      "axis": 1
    }
  ]
}""")
OP_TYPES = json.loads(r"""["Conv","Gemm","MatMul"]""")
EXCLUDE = json.loads(r"""["node_conv1.weight","node_up"]""")
# products of activations have no weights to name them by
NODES = json.loads(r"""[
  "node_conv2.weight",
  "node_fc.weight",
  "node_proj"
]""")


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
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        extra_options={"TensorQuantOverrides": OVERRIDES, "ActivationSymmetric": False},
    )
--- quantize_static quantizes what flows between layers too, as QUInt8; the plan leaves it in float
--- 1 weights have their output channels on another axis than the first, which the plan has scales for: the recipe takes the axis of output channels
--- MatMulNBits has groups along the inputs of a MatMul: where weights lie as inputs × outputs, the plan was measured with groups along the other axis
