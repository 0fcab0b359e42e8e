// Package rie runs a function's program under AWS's Lambda Runtime Interface Emulator, which the
// SAM CLI brings along: https://github.com/aws/aws-lambda-runtime-interface-emulator. It needs
// no container, and runs on Linux only.
package rie

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/interview-sandbox/annals/localstack/tied"
)

// Function is what is invoked.
type Function struct {
	Program string   // its bootstrap, for this machine
	Env     []string // name=value
	Log     io.Writer
}

// stopLimit is how long the emulator has to end its runtime.
const stopLimit = 5 * time.Second

// Find finds the emulator in a Python environment that the SAM CLI is installed in.
func Find(python string) (string, error) {
	arch := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	pattern := filepath.Join(python, "lib", "python3*", "site-packages", "samcli", "local", "rapid", "aws-lambda-rie-"+arch)
	if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
		return filepath.Abs(found[0])
	}
	return "", fmt.Errorf("there is no %s; `make build/python/sam/installed` brings it, on Linux", pattern)
}

// Invoke starts the function under the emulator, invokes it once, and ends it. The answer of a
// function that fails is an object with errorMessage, as Lambda gives it. The error tells what
// kept the emulator from giving any.
func Invoke(ctx context.Context, emulator string, f Function, payload []byte) (answer []byte, err error) {
	var addresses []string
	for range 2 {
		port, err := tied.FreePort()
		if err != nil {
			return nil, fmt.Errorf("find a port for the emulator: %w", err)
		}
		addresses = append(addresses, "127.0.0.1:"+strconv.Itoa(port))
	}
	cmd := exec.Command(emulator, "--log-level", "error",
		"--runtime-interface-emulator-address", addresses[0], "--runtime-api-address", addresses[1], f.Program)
	cmd.Env, cmd.Stdout, cmd.Stderr = f.Env, f.Log, f.Log
	process, err := tied.Start(cmd, nil)
	if err != nil {
		return nil, fmt.Errorf("start the emulator: %w", err)
	}
	defer process.Stop(os.Interrupt, stopLimit)
	if err := awaitListener(ctx, addresses[0], process); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addresses[0]+"/2015-03-31/functions/function/invocations", bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("invoke the function: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("invoke the function: %w", err)
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return nil, fmt.Errorf("read the function's answer: %w", err)
	}
	return answer, nil
}

// awaitListener returns when the emulator takes connections.
func awaitListener(ctx context.Context, address string, process *tied.Process) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-again.C:
		case <-process.Done():
			return errors.New("the emulator has ended before it listened")
		case <-ctx.Done():
			return fmt.Errorf("wait for the emulator: %w", ctx.Err())
		}
	}
}
