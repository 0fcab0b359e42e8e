// Package process starts the programs that this one needs, as processes that never outlive it.
package process

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Process is a process that was started.
type Process struct {
	*os.Process
	done chan struct{}
}

// Start starts cmd in a process group of its own. It is killed when this process ends, however
// that happens. It inherits the file, unless that is nil.
//
// Linux ties a process to the thread that started it, so that thread lives until the process
// has ended.
func Start(cmd *exec.Cmd, inherited *os.File) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		release, err := startTied(cmd, inherited)
		p.Process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		cmd.Wait() // how it ended is told by its output
		release()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Done is closed when the process has ended, for whatever reason.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop asks the process to end, kills it if it has not after a while, and returns when it is
// gone. Stopping again does nothing.
func (p *Process) Stop(patience time.Duration) {
	if p.Signal(os.Interrupt) != nil {
		p.Kill() // Windows knows no other way
	}
	select {
	case <-p.done:
	case <-time.After(patience):
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
