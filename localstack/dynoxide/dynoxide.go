// Package dynoxide runs dynoxide, a DynamoDB on SQLite, as a process of its own that never
// outlives the one that started it.
package dynoxide

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/interview-sandbox/annals/localstack/lockfile"
	"github.com/interview-sandbox/annals/localstack/tied"
)

// Options say where a server keeps its tables.
type Options struct {
	DBPath string    // the database file, for its owner alone; "" keeps everything in memory
	Log    io.Writer // takes what the server prints; nil: nobody
}

// Server is a running dynoxide.
type Server struct {
	url     string
	process *tied.Process
}

const (
	startLimit = 30 * time.Second // to get the lock of the database and to listen
	stopLimit  = 5 * time.Second  // to end by itself when asked to
)

// Start starts a server on a free loopback port and returns once it listens. ctx ends the
// waiting, not the server. The server dies with this process, however that ends, and no
// two servers ever have one database file open: Start waits for an earlier one to be gone,
// and fails if it stays. The error says what to run if dynoxide is not installed.
func Start(ctx context.Context, o Options) (*Server, error) {
	binary, err := find()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var lock *os.File
	if o.DBPath != "" {
		if lock, err = awaitLock(ctx, o.DBPath+".lock"); err != nil {
			return nil, fmt.Errorf("start dynoxide: %w", err)
		}
		defer lock.Close() // the server has inherited it
		if err := private(o.DBPath); err != nil {
			return nil, err
		}
	}
	for {
		port, err := tied.FreePort()
		if err != nil {
			return nil, fmt.Errorf("find a port for dynoxide: %w", err)
		}
		s, err := start(ctx, binary, port, lock, o)
		if !errors.Is(err, errPortTaken) || ctx.Err() != nil {
			return s, err
		}
	}
}

// URL is where the server answers, without a slash at its end.
func (s *Server) URL() string { return s.url }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop ends the server and returns when it is gone. Stopping again does nothing.
func (s *Server) Stop() { s.process.Stop(os.Interrupt, stopLimit) }

// private makes the database a file for its owner alone, as SQLite makes those beside it then.
func private(path string) error {
	db, err := os.OpenFile(path, os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(db.Chmod(0o600), db.Close())
	}
	if err != nil {
		return fmt.Errorf("make the database private: %w", err)
	}
	return nil
}

func awaitLock(ctx context.Context, path string) (*os.File, error) {
	for {
		lock, err := lockfile.Acquire(path)
		if !errors.Is(err, lockfile.ErrTaken) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

var errPortTaken = errors.New("the port was taken meanwhile")

// start makes one attempt, on one port. That the server listens is told by its own line and
// not by an answer, which another process could give that has taken the port.
func start(ctx context.Context, binary string, port int, lock *os.File, o Options) (*Server, error) {
	cmd := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	if o.DBPath != "" {
		cmd.Args = append(cmd.Args, "--db-path", o.DBPath)
	}
	out := newOutput(o.Log)
	cmd.Stdout, cmd.Stderr = out, out
	process, err := tied.Start(cmd, lock)
	if err != nil {
		return nil, fmt.Errorf("start dynoxide: %w", err)
	}
	s := &Server{url: "http://127.0.0.1:" + strconv.Itoa(port), process: process}
	select {
	case <-out.listening:
		return s, nil
	case <-s.Done():
		if out.portTaken() {
			return nil, errPortTaken
		}
		return nil, fmt.Errorf("dynoxide ended at once: %s", out.last())
	case <-ctx.Done():
		s.Stop()
		return nil, fmt.Errorf("dynoxide does not listen: %w: %s", context.Cause(ctx), out.last())
	}
}
