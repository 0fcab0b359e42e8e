//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// account is the one that MiniStack has, and region the one that it is in.
const account, region = "000000000000", "us-east-1"

// MiniStack takes any keys.
const accessKey, secretKey = "test", "test"

// cdk deploys and destroys with the targets of make that people use, for an endpoint.
type cdk struct {
	dir      string // its home, the template and whatever else it writes
	endpoint string
}

// architecture is Lambda's name for this machine's processor.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

type outputs struct{ ApiUrl string }

// deploy bootstraps, builds and deploys, twice. What the second time would change is an error.
func (c cdk) deploy(ctx context.Context) (out outputs, err error) {
	say("deploy", "with make deploy-local, which compiles the functions and the CDK app")
	start := time.Now()
	if _, err := c.make(ctx, "deploy-local"); err != nil {
		return out, err
	}
	text, err := os.ReadFile(filepath.Join(c.dir, "outputs.json"))
	var all map[string]outputs
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return out, fmt.Errorf("read what was deployed: %w", err)
	}
	say("deploy", "%s", took(start))

	start = time.Now()
	printed, err := c.make(ctx, "deploy-built")
	if err != nil {
		return out, err
	}
	if !strings.Contains(printed, "(no changes)") {
		return out, fmt.Errorf("the second deployment changes something:\n%s", tail([]byte(printed)))
	}
	say("deploy", "%s, which changes nothing", took(start))
	return all[prefix], nil
}

func (c cdk) destroy(ctx context.Context) error {
	start := time.Now()
	_, err := c.make(ctx, "destroy-local")
	if err == nil {
		say("destroy", "%s", took(start))
	}
	return err
}

// together runs a program that dies with all its children when this process ends, however that
// happens: they are one process group, and the kernel closes the pipe's other end.
const together = `{ read -r _; kill -9 0; } <&3 >/dev/null 2>&1 & "$@" 3<&-; code=$?; { kill $!; wait $!; } 2>/dev/null; exit $code`

// make makes a target and gives what it printed, of which it keeps a log.
func (c cdk) make(ctx context.Context, target string) (printed string, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("make a pipe: %w", err)
	}
	defer read.Close()
	defer write.Close()
	defer context.AfterFunc(ctx, func() { write.Close() })()
	log, err := os.CreateTemp(c.dir, target+"-*.log")
	if err != nil {
		return "", fmt.Errorf("make a log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", "-c", together, "sh",
		"make", "--no-print-directory", target, "ENDPOINT="+c.endpoint, "LOCAL_DIR="+c.dir)
	cmd.Dir, cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = root, []*os.File{read}, log, log
	cmd.Env = append(os.Environ(), "TMPDIR="+c.dir) // for what a killed program leaves
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	failed := cmd.Run()
	text, err := os.ReadFile(log.Name())
	if err != nil {
		return "", fmt.Errorf("read a log: %w", err)
	}
	if failed != nil {
		return "", fmt.Errorf("make %s: %w\n%s", target, failed, tail(text))
	}
	return string(text), nil
}

func tail(text []byte) []byte {
	const most = 4 << 10
	return bytes.TrimSpace(text[max(0, len(text)-most):])
}
