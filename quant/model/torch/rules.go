package torch

// Limits on what a file may ask of its reader.
const (
	maxBuilt   = 40 << 20 // bytes of values that pickles build, as they are reckoned here
	maxPacked  = 8 << 20  // bytes of a deflated pickle
	maxStack   = 1 << 19  // values that wait for the end of their container
	maxDepth   = 64       // containers in each other
	maxWalked  = 1 << 20  // containers visited in search of tensors
	maxTensors = 1 << 17  // tensors of a file
	maxDims    = 64       // dimensions of a tensor, PyTorch's own limit
	maxBroad   = 1 << 20  // bytes of a tensor that is larger than its storage
)

// What a pickle must be; each constant is the name of one lie.
const (
	rulePickleEnd = "a pickle must end with its last instruction"
	ruleOpcode    = "a pickle must consist of instructions that tensors need"
	ruleProtocol  = "a pickle must be of protocol 2 to 5"
	ruleStack     = "a pickle must not take more values than it made"
	ruleTooMany   = "a pickle makes more values than can be held"
	ruleOperand   = "an instruction of a pickle must have a value of the right kind"
	ruleMemo      = "a pickle must number what it keeps, and use only what it kept"
	ruleGlobal    = "a pickle may ask only for what tensors are made of"
	ruleCall      = "a pickle must make tensors of a storage, an offset, a shape and strides"
	ruleStorage   = "a storage must have a type, a key and a length"
	ruleConflict  = "a storage must be as long wherever it is named"
	ruleType      = "the type of a storage must be one that is read"
)

// What a checkpoint must be.
const (
	ruleDepth       = "a checkpoint is nested too deeply"
	ruleWalk        = "a checkpoint has more parts than can be looked through"
	ruleManyTensors = "a checkpoint has more tensors than can be opened"
	ruleTwice       = "two tensors must not have the same name"
	ruleNoPickle    = "the archive must have a data.pkl"
	rulePacked      = "a deflated pickle must fit in memory"
	ruleByteOrder   = "the byte order must be little or big"
	ruleNoStorage   = "a tensor's storage must be in the file"
	ruleStorageSize = "a storage must have the bytes that its length and type need"
	ruleQuantizer   = "a quantized tensor must have a scale and a zero point, or as many as there are channels along an axis"
	ruleBroad       = "a tensor must not be much larger than its storage"
	ruleDims        = "a tensor has too many dimensions"
	ruleMagic       = "a checkpoint must begin with PyTorch's magic number"
	ruleVersion     = "the version of a checkpoint must be 1001"
	ruleKeys        = "a checkpoint must list the keys of its storages"
	ruleTar         = "a tar checkpoint must have a list of storages and a pickle"
)
