// Package stacktest runs the embedded stack as the program that it is, for tests of what
// only a whole system shows. Its processes end with the test. The program is the test binary
// itself, so that Go's test cache sees whatever changes in the stack, and the race detector
// is there if it is asked for.
package stacktest

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/lockfile"
)

// asProgram is the variable that makes the test binary the stack.
const asProgram = "ANNALS_STACKTEST_PROGRAM"

// Main runs the tests of a package that uses [Start], or the stack's own main if that is what
// the process was started for; call it from TestMain.
func Main(m *testing.M, main func()) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Program is the command that starts the stack's program; more has to be added to its
// environment.
func Program(t testing.TB) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), asProgram+"=1")
	return c
}

// Stack is a stack that is running, or was.
type Stack struct {
	DataDir string

	t       testing.TB
	env     []string
	process *exec.Cmd
	output  *output
	ended   chan struct{}
}

const (
	readyLimit = time.Minute
	endLimit   = 30 * time.Second
)

// Start starts a stack on a port and a folder of its own and returns when it is ready. env
// is more of its environment, as in "DYNAMODB_ENDPOINT=http://127.0.0.1:8000". When the test
// ends the stack is told to, and fails the test if it cannot or has shown a data race.
func Start(t testing.TB, env ...string) *Stack {
	t.Helper()
	s := New(t, env...)
	s.Restart()
	return s
}

// New is [Start] without the start, which is left to [Stack.Restart], for tests of what it
// finds in its folder.
func New(t testing.TB, env ...string) *Stack {
	t.Helper()
	s := &Stack{DataDir: filepath.Join(t.TempDir(), "data"), t: t, env: env}
	t.Cleanup(func() {
		if s.running() {
			s.Terminate()
		}
	})
	return s
}

// Restart starts a stack that has ended, with its data and on another port, and returns when
// it is ready. env changes its environment from now on.
func (s *Stack) Restart(env ...string) {
	s.t.Helper()
	s.env = append(s.env, env...)
	s.output = &output{ready: make(chan struct{})}
	s.process = Program(s.t)
	s.process.Env = append(append(s.process.Env, "PORT=0", "DATA_DIR="+s.DataDir, "DYNAMODB_ENDPOINT="), s.env...)
	s.process.Stdout, s.process.Stderr = s.output, s.output
	s.ended = make(chan struct{})
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		s.process.Wait()
		close(s.ended)
	}()
	select {
	case <-s.output.ready:
	case <-s.ended:
		s.t.Fatalf("the stack ended while it started:\n%s", s.output)
	case <-time.After(readyLimit):
		s.Kill9()
		s.t.Fatalf("the stack is not ready after %v:\n%s", readyLimit, s.output)
	}
}

// URL is where the API answers, without a slash at its end.
func (s *Stack) URL() string { return s.output.url() }

// Output is what the stack has printed since it was last started.
func (s *Stack) Output() string { return s.output.String() }

// Endpoints reads the addresses that the stack has written into its folder.
func (s *Stack) Endpoints() (e struct{ API, DynamoDB, S3, SQS string }) {
	s.t.Helper()
	s.read("endpoints.json", &e)
	return e
}

// Operator reads the operator's login.
func (s *Stack) Operator() (login struct{ Email, Password string }) {
	s.t.Helper()
	s.read("operator.json", &login)
	return login
}

func (s *Stack) read(name string, into any) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, name))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Kill9 kills the stack's own process and returns when the database is free again, which
// wants dynoxide to be gone as well.
func (s *Stack) Kill9() {
	s.t.Helper()
	s.process.Process.Kill()
	<-s.ended
	for deadline := time.Now().Add(endLimit); ; time.Sleep(5 * time.Millisecond) {
		lock, err := lockfile.Acquire(filepath.Join(s.DataDir, "dynamodb.db.lock"))
		if err == nil {
			lock.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("after kill -9: %v", err)
		}
	}
}

// Terminate sends SIGTERM and wants the stack to end with code 0.
func (s *Stack) Terminate() {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	if code := s.Wait(); code != 0 {
		s.t.Errorf("the stack ended with code %d:\n%s", code, s.output)
	}
}

// Signal sends a signal and does not wait for what comes of it.
func (s *Stack) Signal(signal os.Signal) {
	s.t.Helper()
	if err := s.process.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
}

// Wait waits until the stack has ended and returns its exit code, -1 if a signal ended it.
func (s *Stack) Wait() int {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(endLimit):
		s.Kill9()
		s.t.Fatalf("the stack does not end:\n%s", s.output)
	}
	if strings.Contains(s.Output(), "DATA RACE") {
		s.t.Errorf("the stack has a data race:\n%s", s.output)
	}
	return s.process.ProcessState.ExitCode()
}

// Ended is what the system tells of the stack's own process, which has to have ended.
func (s *Stack) Ended() *os.ProcessState { return s.process.ProcessState }

func (s *Stack) running() bool {
	if s.ended == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}
