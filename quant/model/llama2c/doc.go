// Package llama2c reads the checkpoints of llama2.c: seven numbers, then all
// weights as float32, little-endian, without names or shapes.
//
//	7 × 4 bytes  dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len
//	the rest     the weights, of each kind those of all layers
//
// The first version of the format has no magic number. A file is one if it is, to
// the byte, as long as its seven numbers make it; a negative vocab_size says that
// the last layer is not the embedding. The next one begins with the bytes "24ka"
// and the version, has its weights from byte 256 on and its norms before all else.
// The names are those of the PyTorch model that wrote the file.
package llama2c
