llama-quantize --custom-q 'blk\.[0-9]+\.ffn_down\.weight=q5_K,^output\.weight$=q6_K,blk\.[01]\.attn_v\.weight=q6_K,.=q4_K' toy.gguf toy-Q4_K_M.gguf Q4_K_M
