from gptqmodel import GPTQModel, QuantizeConfig

dynamic = {
    r"+:^model\.layers\.[01]\.mlp\.down_proj$": {"bits": 8, "group_size": 32, "sym": True},
    r"-:^(lm_head|model\.embed_tokens)$": {},
    r"-:^model\.layers\.11\.(mlp\.down_proj|mlp\.gate_proj|mlp\.up_proj|self_attn\.k_proj|self_attn\.o_proj|self_attn\.q_proj|self_attn\.v_proj)$": {},
}
config = QuantizeConfig(**{"bits": 4, "group_size": 128, "sym": True}, lm_head=False, dynamic=dynamic)


def quantize(model_id, calibration, out):
    model = GPTQModel.load(model_id, config)
    model.quantize(calibration)
    model.save(out)
--- GPTQ rounds by its calibration, where the plan was measured with rounding to nearest: its errors will be others
