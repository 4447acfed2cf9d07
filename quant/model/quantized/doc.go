// Package quantized recognises how checkpoints hold quantized weights: as
// several tensors, of which one has the codes and the others what scales them.
// It makes of them the one tensor that they stand for.
//
//	GPTQ                 qweight, scales, qzeros, g_idx
//	AWQ                  qweight, scales, qzeros
//	compressed-tensors   weight_packed or weight, weight_scale, weight_zero_point, weight_shape, weight_g_idx, weight_global_scale
//	bitsandbytes         weight, weight.absmax, weight.quant_map, weight.nested_…, weight.quant_state.…; weight, SCB
//	ModelOpt             weight, weight_scale, weight_scale_2
//	DeepSeek             weight, weight_scale_inv
//	gpt-oss              …_blocks, …_scales
//
// A weight is its scale times its code less its zero point, computed in float32:
// quantizers that compute in half precision round that once more. What does not
// fit together is left as it is.
package quantized
