package quant

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/bitdial/bitdial/quant/model"
)

// ResultsFile is a file that a sweep appends to.
type ResultsFile struct {
	Results *Results  // what it holds
	Skipped []Skipped // what was left out of that

	file   *os.File
	synced time.Time
	line   []byte
}

// syncEvery is how long results may wait to survive a power failure. That the
// process is killed costs none.
const syncEvery = 2 * time.Second

// errLocked is that of a file that another process appends to.
var errLocked = errors.New("another sweep is writing it: give each its own file, and join them afterwards")

// OpenResults opens the file at path for a sweep to append to, which creates it if
// it is not there, and reads it as [LoadResults] does. A torn last line is cut
// off. One process at a time has the file; to others it is an error. That
// ends with the process, however it ends.
func OpenResults(path string) (*ResultsFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, model.FileError(path, err)
	}
	f := &ResultsFile{Results: NewResults(), file: file, synced: time.Now()}
	if err := f.open(path); err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func (f *ResultsFile) open(path string) error {
	info, err := f.file.Stat()
	switch {
	case err != nil:
		return model.FileError(path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: results are appended to regular files", path)
	}
	if err := lockFile(f.file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r := reading{results: f.Results, paths: []string{path}}
	whole, err := r.file(f.file)
	if err != nil {
		return err
	}
	f.Skipped = r.skipped
	info, err = f.file.Stat()
	if err == nil && info.Size() > whole {
		err = os.Truncate(path, whole)
	}
	if err == nil && r.open {
		_, err = f.file.WriteString("\n")
	}
	if err != nil {
		return model.FileError(path, err)
	}
	return nil
}

// Append adds a line to the file, with one write.
func (f *ResultsFile) Append(r *Result) error {
	f.line = r.AppendJSON(f.line[:0])
	if _, err := f.file.Write(f.line); err != nil {
		return model.FileError(f.file.Name(), err)
	}
	if time.Since(f.synced) < syncEvery {
		return nil
	}
	f.synced = time.Now()
	if err := f.file.Sync(); err != nil {
		return model.FileError(f.file.Name(), err)
	}
	return nil
}

// Close makes sure that all lines are on the disk and lets others have the file.
func (f *ResultsFile) Close() error {
	err := f.file.Sync()
	if e := f.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return model.FileError(f.file.Name(), err)
	}
	return nil
}
