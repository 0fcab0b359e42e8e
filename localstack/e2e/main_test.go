//go:build e2e

// Package e2e deploys the system to MiniStack with the CDK, as it is deployed to AWS, and tests it
// there. It has tests alone, and those only under the build tag of the same name, because they
// need Python; make e2e runs them.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/ministack"
)

// root is the top of the repository, where make starts these tests.
var root string

// deployed is what the tests are about.
var deployed *system

func TestMain(m *testing.M) {
	flag.Parse()
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore) // a second signal ends it at once
	code, err := run(ctx, m)
	if ctx.Err() != nil {
		err = errors.New("ended by a signal")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

// run deploys, tests and destroys. What it has written is kept if anything went wrong.
func run(ctx context.Context, m *testing.M) (code int, err error) {
	if runtime.GOOS != "linux" {
		return 1, errors.New("MiniStack runs functions as processes, and they are programs for Linux: run this there")
	}
	if root, err = os.Getwd(); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp(filepath.Join(root, "build"), "e2e-")
	if err != nil {
		return 1, fmt.Errorf("make a folder for this run: %w", err)
	}
	defer func() {
		if code == 0 && err == nil {
			err = os.RemoveAll(dir)
		} else {
			say("logs", "are kept in %s", dir)
		}
	}()
	server, err := ministack.Start(ctx, filepath.Join(root, "build/python/ministack"), dir)
	if err != nil {
		return 1, err
	}
	defer server.Stop()
	context.AfterFunc(ctx, server.Stop)
	say("ministack", "at %s, its log in %s", server.URL(), server.Log())

	c := cdk{dir: dir, endpoint: server.URL()}
	outputs, err := c.deploy(ctx)
	if err != nil {
		return 1, err
	}
	if deployed, err = connect(ctx, server.URL(), outputs.ApiUrl, dir); err != nil {
		return 1, err
	}
	if err := leaveOut(); err != nil {
		return 1, err
	}
	code = m.Run()
	if ctx.Err() != nil {
		return 1, ctx.Err()
	}
	return code, errors.Join(deployed.close(), c.destroy(ctx))
}

// say tells the terminal what has been done.
func say(part, format string, args ...any) {
	fmt.Printf("%-10s "+format+"\n", append([]any{part}, args...)...)
}

// took is how long something has taken, for people.
func took(start time.Time) string { return fmt.Sprintf("%.1f s", time.Since(start).Seconds()) }
