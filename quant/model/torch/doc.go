// Package torch reads what PyTorch saves: checkpoints of torch.save, which are zip
// archives, before version 1.6 one file and before 0.1.2 a tar archive; and the
// parameters and constants of TorchScript.
//
//	NAME/data.pkl     a pickle: dictionaries, lists and records of tensors
//	NAME/data/KEY     the numbers of a storage, which tensors are views of
//	NAME/byteorder    "little" or "big"
//	NAME/constants.pkl, NAME/constants/KEY    of TorchScript
//
// A pickle is a program. The machine here builds plain values only: it has no way
// to import, call or run anything. The few names that tensors are made of stand
// for functions of this package, in globals.go; a pickle that asks for any other
// is refused with an error that says for which. What it may build, and how deep,
// is limited in rules.go.
package torch
