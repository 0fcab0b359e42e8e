//go:build linux || darwin

package lockfile

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestALockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(path); !errors.Is(err, ErrTaken) {
		t.Errorf("a lock that is held: %v", err)
	}
	first.Close()
	second, err := Acquire(path)
	if err != nil {
		t.Errorf("a lock that was let go: %v", err)
	}
	second.Close()
}

func TestALockIsHeldUntilAChildThatInheritedItEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("/bin/cat")
	child.ExtraFiles = []*os.File{lock}
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lock.Close()
	if _, err := Acquire(path); !errors.Is(err, ErrTaken) {
		t.Errorf("while the child lives: %v", err)
	}
	stdin.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(path)
	if err != nil {
		t.Errorf("when the child has ended: %v", err)
	}
	again.Close()
}

func TestAPathThatCannotBeOpenedIsNotTakenForALock(t *testing.T) {
	if _, err := Acquire(filepath.Join(t.TempDir(), "missing", "lock")); err == nil || errors.Is(err, ErrTaken) {
		t.Errorf("error: %v", err)
	}
}
