import coremltools.optimize.coreml as cto

linear = {
    "model_layers_0_self_attn_q_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_0_self_attn_k_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_0_self_attn_v_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_0_self_attn_o_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_0_mlp_gate_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_0_mlp_up_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_0_mlp_down_proj_weight": cto.OpLinearQuantizerConfig(mode="linear", dtype="int8", granularity="per_channel", weight_threshold=None),
    "model_layers_1_self_attn_q_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_1_self_attn_k_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_1_self_attn_v_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_1_self_attn_o_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_1_mlp_gate_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_1_mlp_up_proj_weight": cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int4", granularity="per_block", block_size=32, weight_threshold=None),
    "model_layers_1_mlp_down_proj_weight": cto.OpLinearQuantizerConfig(mode="linear", dtype="int8", granularity="per_channel", weight_threshold=None),
}
palettes = {
    "lm_head_weight": cto.OpPalettizerConfig(mode="kmeans", nbits=4, granularity="per_tensor", weight_threshold=None),
}


def quantize(mlmodel):
    if linear:
        mlmodel = cto.linear_quantize_weights(mlmodel, cto.OptimizationConfig(op_name_configs=linear))
    if palettes:
        mlmodel = cto.palettize_weights(mlmodel, cto.OptimizationConfig(op_name_configs=palettes))
    return mlmodel
