// Package lockfile takes exclusive locks that end with the processes that hold them,
// however those end.
package lockfile

import "errors"

// ErrTaken is what an attempt to take a lock that is held comes to.
var ErrTaken = errors.New("another process holds the lock")
