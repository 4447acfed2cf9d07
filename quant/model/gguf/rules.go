package gguf

// Limits on what a file may ask of its reader.
const (
	maxHeader  = 1 << 28 // bytes of everything before the data; the largest vocabularies take some 2^25
	maxTensors = 1 << 17 // of a file; models have some thousands
	maxKVs     = 1 << 15 // metadata of a file; models have some dozens
	maxDims    = 8       // of a tensor; the reference has 4
	maxDepth   = 8       // of arrays within arrays
)

// What a header must be; each constant is the name of one lie.
const (
	ruleMagic     = "the file must begin with GGUF"
	ruleVersion   = "the version must be 1, 2 or 3"
	rulePastEnd   = "the header must end before the file does"
	ruleTooLong   = "the header is longer than can be opened"
	ruleManyKVs   = "the header lists more metadata than can be opened"
	ruleMany      = "the header lists more tensors than can be opened"
	ruleKey       = "a key of the metadata must not be empty"
	ruleDuplicate = "a name must not occur twice"
	ruleValueType = "the type of a value must be one that is read"
	ruleBool      = "a truth value must be 0 or 1"
	ruleDepth     = "arrays are nested too deeply"
	ruleAlignment = "general.alignment must be a u32 that is a power of two or a multiple of 8"
	ruleType      = "the type of a tensor must be one that is read"
	ruleDims      = "a tensor has too many dimensions"
	ruleRows      = "the rows of a tensor must be whole blocks"
	ruleOverflow  = "the dimensions of a tensor must multiply to a number of bytes that exists"
	ruleAligned   = "the data of a tensor must be aligned"
	ruleOutside   = "the data of a tensor must lie within the file"
	ruleOverlap   = "tensors must not overlap"
)

// What the files of a split model must be.
const (
	ruleSplitName    = "a file of a split model must be called NAME-00001-of-00002.gguf or so"
	ruleSplitNumber  = "split.no and split.count must be those of the file's name"
	ruleSplitMissing = "a file of a split model is missing"
	ruleSplitTotal   = "split.tensors.count must be that of all files together"
	ruleSplitTwice   = "two files of a model hold a tensor of the same name"
	ruleNoFile       = "the folder holds no GGUF file"
	ruleManyModels   = "the folder holds several models; open one of them"
)
