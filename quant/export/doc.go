// Package export writes what leaves: the weights of a model under a plan, packed
// or as they come back, in files that other programs read, and plans as other tools
// are told them, see [Recipes].
package export
