package process

import (
	"os"
	"os/exec"
	"syscall"
)

// startTied starts cmd, which inherits lock unless that is nil, so that it is killed when the
// calling thread ends. release is to be called when cmd has ended. A process group of its own
// keeps a terminal's Ctrl-C, which is for this process to act on, away from cmd.
func startTied(cmd *exec.Cmd, lock *os.File) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if lock != nil {
		cmd.ExtraFiles = []*os.File{lock}
	}
	return func() {}, cmd.Start()
}
