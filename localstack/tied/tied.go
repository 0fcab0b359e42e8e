// Package tied runs programs that never outlive the process that started them.
package tied

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Process is a program that was started.
type Process struct {
	process *os.Process
	done    chan struct{}
	state   *os.ProcessState
}

// Start starts cmd, which is killed when this process ends, however that happens, and inherits
// file unless that is nil. The thread that starts it lives until it has ended, because Linux ties
// a process to that.
func Start(cmd *exec.Cmd, file *os.File) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		release, err := start(cmd, file)
		p.process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		cmd.Wait() // how it ended is in its state
		p.state = cmd.ProcessState
		release()
		close(p.done)
	}()
	return p, <-started
}

// Pid is the process's id.
func (p *Process) Pid() int { return p.process.Pid }

// Done is closed when the process has ended and all of its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// State tells how the process ended, which it has to have done.
func (p *Process) State() *os.ProcessState { return p.state }

// Kill ends the process at once. The error is [os.ErrProcessDone] if it has ended.
func (p *Process) Kill() error { return p.process.Kill() }

// Stop asks the process with a signal to end, kills it if it has not after limit, and returns
// when it is gone. Stopping again does nothing.
func (p *Process) Stop(signal os.Signal, limit time.Duration) {
	if p.process.Signal(signal) != nil {
		p.Kill() // Windows knows no other way
	}
	select {
	case <-p.done:
	case <-time.After(limit):
		p.Kill()
		<-p.done
	}
}

// FreePort finds a loopback port that nothing listens on, for a program that takes no listener.
// Another process may take it before that does.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
