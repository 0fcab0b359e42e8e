//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// account is the one that MiniStack has, and region the one that it is in.
const account, region = "000000000000", "us-east-1"

// MiniStack takes any keys.
const accessKey, secretKey = "test", "test"

// cdk is the CDK's command line on the stack as it is, for an endpoint.
type cdk struct {
	dir      string // its home, the template and whatever else it writes
	endpoint string
	log      string
}

// architecture is Lambda's name for this machine's processor.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

type outputs struct{ ApiUrl string }

// deploy deploys the stack, twice, of which the second time changes nothing.
func (c cdk) deploy(ctx context.Context) (out outputs, err error) {
	assembly, file := filepath.Join(c.dir, "cdk.out"), filepath.Join(c.dir, "outputs.json")
	for _, step := range []struct {
		name string
		args []string
	}{
		{"bootstrap", []string{"bootstrap", "aws://" + account + "/" + region}},
		{"synth", []string{"synth", "--quiet", "--output", assembly, "--context", "arch=" + architecture()}},
		{"deploy", []string{"deploy", "--app", assembly, "--require-approval", "never", "--outputs-file", file}},
		{"deploy", []string{"deploy", "--app", assembly, "--require-approval", "never"}},
	} {
		start := time.Now()
		printed, err := c.run(ctx, step.args...)
		if err != nil {
			return out, err
		}
		result := ""
		if strings.Contains(printed, "(no changes)") {
			result = ", which changes nothing"
		}
		say(step.name, "%s%s", took(start), result)
	}
	text, err := os.ReadFile(file)
	var all map[string]outputs
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return out, fmt.Errorf("read what was deployed: %w", err)
	}
	return all["annals"], nil
}

func (c cdk) destroy(ctx context.Context) error {
	start := time.Now()
	_, err := c.run(ctx, "destroy", "--app", filepath.Join(c.dir, "cdk.out"), "--force")
	if err == nil {
		say("destroy", "%s", took(start))
	}
	return err
}

// run runs a command and gives what it printed, which is in the log as well.
func (c cdk) run(ctx context.Context, args ...string) (string, error) {
	environment, err := c.environment(ctx)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "infra/node_modules/.bin/cdk"), append(args, "--ci")...)
	cmd.Dir, cmd.Env = root, environment
	printed, err := cmd.CombinedOutput()
	log, openErr := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if openErr == nil {
		_, openErr = log.Write(printed)
		openErr = errors.Join(openErr, log.Close())
	}
	if err != nil {
		return "", fmt.Errorf("cdk %s: %w\n%s", args[0], err, tail(printed))
	}
	return string(printed), openErr
}

// environment is this process's without what it says about AWS. In a home of its own the CDK
// finds no account, but Go has to be told where its caches are.
func (c cdk) environment(ctx context.Context) ([]string, error) {
	caches, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE", "GOENV").Output()
	paths := strings.Fields(string(caches))
	if err != nil || len(paths) != 3 {
		return nil, fmt.Errorf("ask Go where its caches are: %w", err)
	}
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	return append(environment,
		"HOME="+c.dir, "GOCACHE="+paths[0], "GOMODCACHE="+paths[1], "GOENV="+paths[2],
		"AWS_ENDPOINT_URL="+c.endpoint, "AWS_REGION="+region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey), nil
}

func tail(text []byte) []byte {
	const most = 4 << 10
	return bytes.TrimSpace(text[max(0, len(text)-most):])
}
