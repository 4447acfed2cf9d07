package onnx

// Limits on what a file may ask of its reader.
const (
	maxFields    = 1 << 23 // fields looked at, of all messages
	maxDepth     = 32      // graphs in each other
	maxTensors   = 1 << 16 // tensors of a network
	maxUses      = 1 << 18 // uses of all tensors
	maxOperators = 1 << 10 // different ones; the format has some two hundred
	maxDims      = 64      // dimensions of a tensor
	maxExternal  = 16      // entries that say where a tensor's data are
	maxFiles     = 1024    // files beside the network
	maxMetadata  = 1 << 16 // entries of the metadata
	maxText      = 1 << 20 // bytes of a value of the metadata
	maxListed    = 1 << 20 // numbers that Constants hold one by one
	maxSparse    = 1 << 20 // numbers of a sparse tensor, or
	maxThin      = 1 << 12 // times those that it holds
)

// What a network must be; each constant is the name of one lie.
const (
	ruleWire      = "a message must consist of whole fields"
	ruleKind      = "a field must be of the kind that the format gives it"
	ruleFields    = "the network has more parts than can be looked through"
	ruleGraph     = "a network must have one graph"
	ruleDepth     = "graphs are nested too deeply"
	ruleMany      = "the network has more tensors than can be opened"
	ruleUses      = "the network has more nodes with weights than can be held"
	ruleOperators = "the network has more operators than there are"
	ruleTwice     = "two tensors must not have the same name"
	ruleDims      = "a shape must have dimensions that are not negative, and not too many"
	ruleOverflow  = "the dimensions of a tensor must multiply to a number of bytes that exists"
	ruleType      = "the type of a tensor must be one that is read"
	ruleOnce      = "a tensor must hold its data once, in one piece"
	ruleData      = "a tensor must have exactly the data that its shape and type need"
	ruleVarint    = "a number must take ten bytes at most"
	ruleExternal  = "external data must have a location, and an offset and a length that are whole numbers"
	ruleEscape    = "external data must lie in the folder of the network"
	ruleMissing   = "the file of external data is missing"
	ruleFiles     = "the network is spread over more files than can be opened"
	ruleNoFolder  = "external data need a network that is a file"
	ruleListed    = "Constants hold more single numbers than can be read"
	ruleSparse    = "a sparse tensor must have values, their places in order, and dimensions"
	ruleThin      = "a sparse tensor must not be much larger than what it holds"
	rulePlace     = "the places of a sparse tensor must lie within it, each after the one before"
	ruleScale     = "the scales of a tensor must be numbers"
	ruleMetadata  = "metadata must be short text, and not too much of it"
	ruleDuplicate = "a key of the metadata must not occur twice"
)
