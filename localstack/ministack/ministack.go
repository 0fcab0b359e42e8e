// Package ministack runs MiniStack, an emulator of AWS on one port, as a process of its own that
// never outlives the one that started it. Its functions run as processes as well.
package ministack

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/interview-sandbox/annals/localstack/tied"
)

//go:embed start.py
var program string

// Server is a running MiniStack.
type Server struct {
	front   *http.Server
	url     string
	log     *os.File
	process *tied.Process
}

const (
	startLimit = time.Minute
	stopLimit  = 10 * time.Second
)

// Start starts a server on a free loopback port and returns once it listens. ctx ends the
// waiting, not the server. Everything that it writes is in dir, which has to be there: its log,
// ministack.log, and the code of functions. python is the folder of the environment that it is
// installed in. The server dies with this process, however that ends, and its functions with it.
func Start(ctx context.Context, python, dir string) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		s, err := start(ctx, filepath.Join(python, "bin", "python"), dir)
		if !errors.Is(err, errPortTaken) || ctx.Err() != nil {
			return s, err
		}
	}
}

// URL is where every service answers, without a slash at its end.
func (s *Server) URL() string { return s.url }

// Log is the file that the server, what stands before it and its functions log to.
func (s *Server) Log() string { return s.log.Name() }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop ends the server and returns when it is gone. Stopping again does nothing.
func (s *Server) Stop() {
	s.process.Stop(os.Interrupt, stopLimit)
	s.front.Close()
	s.log.Close()
}

var errPortTaken = errors.New("the port was taken meanwhile")

func start(ctx context.Context, python, dir string) (*Server, error) {
	port, err := tied.FreePort()
	if err != nil {
		return nil, fmt.Errorf("find a port for MiniStack: %w", err)
	}
	own := &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen before MiniStack: %w", err)
	}
	out, err := os.Create(filepath.Join(dir, "ministack.log"))
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("start MiniStack: %w", err)
	}
	faults := log.New(out, "front: ", log.LstdFlags) // such as of whoever has hung up
	s := &Server{
		front: &http.Server{Handler: newFront(own, faults), ErrorLog: faults},
		url:   "http://" + listener.Addr().String(), log: out,
	}
	// With -P, Python takes no modules from dir.
	cmd := exec.Command(python, "-P", "-c", program)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	// Nothing else of this process's environment, because the functions inherit it.
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir,
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT=" + own.Port(),
		"AWS_ENDPOINT_URL=" + s.url, // where functions find the other services
	}
	s.process, err = tied.Start(cmd, nil)
	if err != nil {
		listener.Close()
		out.Close()
		return nil, fmt.Errorf("start MiniStack, which make e2e installs: %w", err)
	}
	go s.front.Serve(listener)
	if err := s.await(ctx, own.String()); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// await returns when the server says that it listens. An answer could be that of another process
// which has taken the port.
func (s *Server) await(ctx context.Context, own string) error {
	for {
		text, err := os.ReadFile(s.Log())
		if err != nil {
			return fmt.Errorf("read MiniStack's log: %w", err)
		}
		if bytes.Contains(text, []byte("Running on "+own)) {
			return nil
		}
		select {
		case <-s.Done():
			if bytes.Contains(text, []byte("in use")) {
				return errPortTaken
			}
			return fmt.Errorf("MiniStack ended at once: %s", tail(text))
		case <-ctx.Done():
			return fmt.Errorf("MiniStack is not ready: %w: %s", context.Cause(ctx), tail(text))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func tail(text []byte) []byte {
	const most = 2 << 10
	return bytes.TrimSpace(text[max(0, len(text)-most):])
}
