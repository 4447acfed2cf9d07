package npy

// Limits on what a file may ask of its reader.
const (
	maxHeader = 10_000  // bytes of a header: NumPy's own limit
	maxArrays = 1 << 15 // arrays of an archive
	maxDims   = 64      // dimensions of an array, NumPy's own limit
)

// What an array must be; each constant is the name of one lie.
const (
	ruleMagic     = "an array must begin with \\x93NUMPY, a version and the length of its header"
	ruleVersion   = "the version of an array must be 1.0, 2.0 or 3.0"
	ruleHeaderEnd = "the header is longer than the file"
	ruleTooLong   = "the header is longer than NumPy reads"
	ruleHeader    = "the header must be a dictionary of descr, fortran_order and shape"
	ruleObjects   = "an array of Python objects is a pickle, which is never loaded"
	ruleRecords   = "an array of records is not read"
	ruleDescr     = "the type of an array must be one that is read"
	ruleShape     = "a shape must be a tuple of whole numbers, none negative"
	ruleDims      = "a shape has too many dimensions"
	ruleTrailing  = "nothing may follow the array"
	ruleTooMany   = "the archive holds more arrays than can be opened"
	ruleNoArray   = "the archive holds no array"
)
