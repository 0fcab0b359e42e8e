package process

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// startTied starts cmd, which inherits lock unless that is nil, so that it is killed when
// this process ends: a shell reads from a pipe that nobody writes to, and kills cmd when the
// kernel closes the pipe's other end. release is to be called when cmd has ended. Process
// groups of their own keep a terminal's Ctrl-C, which is for this process to act on, away.
func startTied(cmd *exec.Cmd, lock *os.File) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if lock != nil {
		cmd.ExtraFiles = []*os.File{lock}
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	watch := exec.Command("/bin/sh", "-c", `read -r _; kill -9 "$1"`, "sh", strconv.Itoa(cmd.Process.Pid))
	watch.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := watch.StdinPipe()
	if err == nil {
		err = watch.Start()
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, fmt.Errorf("watch over it: %w", err)
	}
	return func() {
		watch.Process.Kill() // before the pipe closes: the process id may be someone else's by now
		pipe.Close()
		watch.Wait()
	}, nil
}
