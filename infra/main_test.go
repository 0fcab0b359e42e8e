package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// The stacks under test, synthesized once because a synthesis takes seconds: one with every
// setting at its default, one with every setting changed.
var (
	deployed, changed template
	assets            string // the folder that the standard stack's code is copied to
	app               string // the app's program
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "synthesizing:", err)
		code = 1
	}
	os.Exit(code)
}

// run starts the app as the CDK's command line does, because what deploys is then what is
// tested, and because jsii's own shutdown does not pass the race detector in this process.
func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "annals-infra-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	defer jsii.Close() // importing the CDK has made a temporary folder, though nothing runs here
	build := filepath.Join(dir, "build")
	app = filepath.Join(dir, "app")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", app, ".").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Mkdir(build, 0o700); err != nil {
		return 0, err
	}
	for _, f := range topology.Functions() {
		if err := os.WriteFile(filepath.Join(build, f.Name+".zip"), zipOf(f.Name), 0o600); err != nil {
			return 0, err
		}
	}
	assets = filepath.Join(dir, "cdk.out")
	if deployed, err = synthesize(app, dir, assets, "annals", nil); err != nil {
		return 0, err
	}
	settings := map[string]string{
		"name": "other", "arch": "x86_64", "build": build, "domain": "api.annals.example", "certificate": certificate,
		"mailIdentity": "annals.example", "mailFrom": "post@annals.example", "publicUrl": "https://pages.annals.example",
		"corsOrigins": "https://one.example,https://two.example", "alarmMail": "alarms@annals.example", "stripeSecret": ciphertext,
		"logDays": "30", "throttle": "50", "removal": "destroy", "signingKeys": "2026b,2026a",
	}
	if changed, err = synthesize(app, os.TempDir(), filepath.Join(dir, "other.out"), "other", settings); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"

// ciphertext is as long as what KMS makes of Stripe's secrets.
var ciphertext = base64.StdEncoding.EncodeToString(make([]byte, 250))

// synthesize runs the app in a directory and reads the template of the stack.
func synthesize(app, dir, out, stack string, context map[string]string) (template, error) {
	var t template
	settings, err := json.Marshal(context)
	if err != nil {
		return t, err
	}
	cmd := exec.Command(app)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+string(settings),
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20")
	if said, err := cmd.CombinedOutput(); err != nil {
		return t, fmt.Errorf("%w\n%s", err, said)
	}
	body, err := os.ReadFile(filepath.Join(out, stack+".template.json"))
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(body, &t)
	for id, r := range t.Resources {
		r.id = id
	}
	return t, err
}

// zipOf stands for a function's build; the stack only ever copies it.
func zipOf(function string) []byte { return []byte("zip of " + function) }
