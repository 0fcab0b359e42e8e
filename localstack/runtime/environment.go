package runtime

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"time"

	"github.com/interview-sandbox/annals/localstack/tied"
)

const (
	// initLimit is how long an environment may take until it asks for its first invocation:
	// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
	initLimit = 10 * time.Second
	// stopLimit is how long one has after SIGTERM.
	stopLimit = 2 * time.Second
)

// Environment is a process and the Runtime API that it alone uses.
type Environment struct {
	*api
	server  *http.Server
	process *tied.Process
	idle    *time.Timer // while it waits in its pool
}

// Start starts an environment and returns when it asks for its first invocation.
func Start(ctx context.Context, f Function) (*Environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime of %s: %w", f.Name, err)
	}
	e := &Environment{api: newAPI()}
	e.server = &http.Server{Handler: e.api.handler(), ErrorLog: slog.NewLogLogger(f.Log.Handler(), slog.LevelWarn)}
	go e.server.Serve(listener) // until it is closed
	cmd := exec.Command(f.Program)
	cmd.Env = append(append([]string{}, f.Env...), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	out := &lines{print: f.Print}
	cmd.Stdout, cmd.Stderr = out, out
	if e.process, err = tied.Start(cmd, nil); err != nil {
		e.server.Close()
		return nil, fmt.Errorf("start %s, which `make native` builds: %w", f.Name, err)
	}
	go func() {
		<-e.process.Done()
		e.server.Close()
	}()
	limit := time.NewTimer(initLimit)
	defer limit.Stop()
	select {
	case <-e.polled:
		return e, nil
	case <-e.process.Done():
		err = e.initError(e.exit())
	case <-limit.C:
		err = &Error{Type: "Sandbox.Timedout", Message: fmt.Sprintf("initialization timed out after %.2f seconds", initLimit.Seconds())}
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.process.Kill()
	<-e.process.Done()
	return nil, err
}

// Pid is the id of the process.
func (e *Environment) Pid() int { return e.process.Pid() }

func (e *Environment) alive() bool {
	select {
	case <-e.process.Done():
		return false
	default:
		return true
	}
}

// Invoke hands one invocation over and waits for what becomes of it.
func (e *Environment) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	i := newInvocation(ctx, payload)
	select {
	case e.next <- i:
	case <-e.process.Done():
		return nil, e.exit()
	case <-ctx.Done():
		return nil, e.kill(ctx)
	}
	select {
	case <-i.ended:
	case <-e.process.Done():
		select {
		case <-i.ended: // it answered before it died
		default:
			return nil, e.exit()
		}
	case <-ctx.Done():
		return nil, e.kill(ctx)
	}
	// An invocation ends when the runtime asks for the next one: until then it could still die.
	select {
	case <-e.polled:
	case <-e.process.Done():
	case <-ctx.Done():
		e.kill(ctx)
	}
	return i.response, i.err
}

// kill ends an environment whose time is up.
func (e *Environment) kill(ctx context.Context) error {
	e.process.Kill()
	<-e.process.Done()
	return ctx.Err()
}

// exit is the error for a process that has ended.
func (e *Environment) exit() *Error {
	return &Error{Type: "Runtime.ExitError", Message: "Runtime exited with error: " + e.process.State().String()}
}

// Stop ends the environment and returns when it is gone.
func (e *Environment) Stop() { e.process.Stop(syscall.SIGTERM, stopLimit) }

// lines passes on what a process prints, line by line.
type lines struct {
	print func([]byte)
	rest  []byte
}

// longest is where a line is cut that does not end.
const longest = 256 << 10

// Write implements [io.Writer].
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		switch {
		case end >= 0:
			l.print(l.rest[:end])
			l.rest = l.rest[end+1:]
		case len(l.rest) >= longest:
			l.print(l.rest)
			l.rest = nil
		default:
			return len(p), nil
		}
	}
}

// Error is what Lambda tells of an invocation that failed.
type Error struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Error implements error.
func (e *Error) Error() string { return e.Type + ": " + e.Message }
