package safetensors

// Limits on what a file may ask of its reader.
const (
	maxHeader  = 100_000_000 // bytes of a header or an index: the specification's limit
	maxTensors = 5 << 16     // tensors of a file; the largest models have some hundred thousand
	maxDims    = 64          // dimensions of a tensor, as many as NumPy has
	maxDepth   = 32          // nesting of JSON that is skipped
	maxConfig  = 16 << 20    // bytes of a config.json; with lists of modules they have some hundred thousand
	maxFacts   = 1 << 20     // bytes of keys and values that are looked at
)

// What a header must be; each constant is the name of one lie.
const (
	ruleNoLength    = "the file is shorter than the length of its header"
	rulePastEnd     = "the header is longer than the file"
	ruleTooLong     = "the header is longer than the format allows"
	ruleBrace       = "the header must begin with '{'"
	ruleJSON        = "the header must be valid JSON"
	ruleUTF8        = "the header must be valid UTF-8"
	ruleDepth       = "the header is nested too deeply"
	ruleAfter       = "nothing but spaces may follow the header's object"
	ruleDuplicate   = "a name must not occur twice"
	ruleMetadata    = "__metadata__ must be an object of strings"
	ruleTooMany     = "the header lists more tensors than can be opened"
	ruleTensor      = "a tensor must be an object of dtype, shape and data_offsets"
	ruleDType       = "the dtype of a tensor must be one that is read"
	ruleShape       = "a shape must be a list of whole numbers, none negative"
	ruleDims        = "a shape has too many dimensions"
	ruleOverflow    = "the dimensions of a tensor must multiply to a number of bytes that exists"
	ruleCut         = "the weights of a tensor must be whole bytes"
	ruleOffsets     = "data_offsets must be a pair of whole numbers, none negative"
	ruleReversed    = "data_offsets must not end before they begin"
	ruleOffsetsEnd  = "data_offsets must lie within the file"
	ruleOffsetsSize = "data_offsets must span exactly the bytes of shape and dtype"
	ruleHole        = "tensors must follow each other without a hole"
	ruleOverlap     = "tensors must not overlap"
	ruleTrailing    = "nothing may follow the last tensor"
)

// What an index and its shards must be.
const (
	ruleIndex        = "an index must be an object with a weight_map"
	ruleWeightMap    = "a weight_map must be an object of file names"
	ruleIndexLong    = "the index is longer than can be opened"
	ruleEmptyMap     = "a weight_map must name a tensor"
	ruleEscape       = "a shard must lie in the folder of its index"
	ruleShardMissing = "a shard that the index names is missing"
	ruleNotInShard   = "a tensor is not in the shard that the index names"
	ruleTwice        = "two files of a model hold a tensor of the same name"
	ruleNoFile       = "the folder holds no safetensors file"
	ruleConfig       = "a config must be an object"
	ruleConfigLong   = "the config is longer than can be read"
	ruleManyIndexes  = "the folder holds several indexes; open one of them"
)
