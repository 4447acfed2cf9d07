package kernels

// Version counts the times that numbers which come of the kernels, of how
// ranges are found or of how estimates sample have changed: results that were
// kept under another one are measured again. A test holds such numbers to it.
const Version = 1
