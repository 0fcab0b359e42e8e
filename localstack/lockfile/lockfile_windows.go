package lockfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

const errorSharingViolation = syscall.Errno(32)

// Acquire takes the lock of the file at path, which it makes if there is none. The lock is
// held until the returned file is closed here and in every process that inherited it; a
// process that is killed closes its files. The error wraps [ErrTaken] if the lock is held.
func Acquire(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	inheritable := syscall.SecurityAttributes{InheritHandle: 1}
	inheritable.Length = uint32(unsafe.Sizeof(inheritable))
	const nobodyElse = 0 // the share mode is the lock
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, nobodyElse,
		&inheritable, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errorSharingViolation) {
		err = ErrTaken
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return os.NewFile(uintptr(handle), path), nil
}
