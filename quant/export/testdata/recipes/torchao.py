from collections import OrderedDict

import torch
from torchao.quantization import (
    Float8WeightOnlyConfig,
    FqnToConfig,
    Int8WeightOnlyConfig,
    IntxWeightOnlyConfig,
    PerAxis,
    PerGroup,
    PerRow,
    PerTensor,
    quantize_,
)
from torchao.quantization.quant_primitives import MappingType

config = FqnToConfig(OrderedDict([
    (r"re:model\.layers\.[0-9]+\.mlp\.up_proj", Float8WeightOnlyConfig(weight_dtype=torch.float8_e4m3fn, granularity=PerRow())),
    (r"re:model\.embed_tokens", Int8WeightOnlyConfig(granularity=PerRow())),
    (r"re:model\.layers\.[0-9]+\.self_attn\.v_proj", Int8WeightOnlyConfig(granularity=PerTensor())),
    (r"re:model\.layers\.[0-9]+\.(mlp\.gate_proj|self_attn\.k_proj|self_attn\.o_proj|self_attn\.q_proj)", IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32), mapping_type=MappingType.SYMMETRIC)),
    (r"re:model\.layers\.[0-3]\.mlp\.down_proj", IntxWeightOnlyConfig(weight_dtype=torch.int6, granularity=PerGroup(64), mapping_type=MappingType.ASYMMETRIC)),
    (r"re:model\.layers\.[0-9]+\.mlp\.down_proj", IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32), mapping_type=MappingType.SYMMETRIC)),
]))


def quantize(model):
    quantize_(model, config, filter_fn=None)
