import modelopt.torch.quantization as mtq

s0 = {"num_bits": 4, "block_sizes": {-1: 128}, "axis": None, "enable": True}  # int4:g128
s1 = {"num_bits": (2, 1), "block_sizes": {-1: 16, "type": "dynamic", "scale_bits": (4, 3)}, "axis": None, "enable": True}  # nvfp4
s2 = {"num_bits": (4, 3), "axis": None, "enable": True}  # fp8_e4m3
config = {
    "quant_cfg": {
        "default": {"enable": False},
        "*input_quantizer": {"enable": False},
        "lm_head.weight_quantizer": s2,
        "model.layers.0.self_attn.q_proj.weight_quantizer": s0,
        "model.layers.0.self_attn.k_proj.weight_quantizer": s0,
        "model.layers.0.self_attn.v_proj.weight_quantizer": s0,
        "model.layers.0.self_attn.o_proj.weight_quantizer": s0,
        "model.layers.0.mlp.gate_proj.weight_quantizer": s0,
        "model.layers.0.mlp.up_proj.weight_quantizer": s0,
        "model.layers.0.mlp.down_proj.weight_quantizer": s1,
        "model.layers.1.self_attn.q_proj.weight_quantizer": s0,
        "model.layers.1.self_attn.k_proj.weight_quantizer": s0,
        "model.layers.1.self_attn.v_proj.weight_quantizer": s0,
        "model.layers.1.self_attn.o_proj.weight_quantizer": s0,
        "model.layers.1.mlp.gate_proj.weight_quantizer": s0,
        "model.layers.1.mlp.up_proj.weight_quantizer": s0,
        "model.layers.1.mlp.down_proj.weight_quantizer": s1,
    },
    "algorithm": "max",
}


def quantize(model, forward_loop=None):
    return mtq.quantize(model, config, forward_loop)
