//go:build linux || darwin

package lockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Acquire takes the lock of the file at path, which it makes if there is none. The lock is
// held until the returned file is closed here and in every process that inherited it; a
// process that is killed closes its files. The error wraps [ErrTaken] if the lock is held.
func Acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrTaken
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}
