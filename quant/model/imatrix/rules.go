package imatrix

// maxEntries of a file: models have some thousands of tensors.
const maxEntries = 1 << 17

// What a file must be; each constant is the name of one lie.
const (
	ruleEntries   = "an importance matrix must have between 1 and 131072 entries"
	rulePastEnd   = "the entries must end before the file does"
	ruleName      = "an entry must have a name"
	ruleValues    = "an entry must have a value or more"
	ruleDuplicate = "a name must not occur twice"
	rulePair      = "sums and counts must come in pairs, F32 both"
	ruleCounts    = "each count must have as many sums as the others"
	ruleNumber    = "importance must be finite and not negative"
	ruleLength    = "the importance of a tensor must be as long as a row of it, for each expert"
)
