// Package export writes what leaves: GGUF files with packed weights, the weights as
// they come back from quantization in a file that any framework reads, and plans
// as other tools are told them, see [Recipes].
package export
