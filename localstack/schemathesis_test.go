//go:build schemathesis

package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

var schemathesis = flag.String("schemathesis", "../build/python/schemathesis/bin/schemathesis", "the program; make schemathesis installs it")

// TestTheAPIIsAsItsDocumentSays has schemathesis make requests from /openapi.json, good and bad
// ones, and look at the answers. It is apart from the other tests because it needs Python.
func TestTheAPIIsAsItsDocumentSays(t *testing.T) {
	program, err := filepath.Abs(*schemathesis)
	if err != nil {
		t.Fatal(err)
	}
	config, err := filepath.Abs("schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	s := stacktest.Start(t)
	for who, person := range map[string]scenario.Person{
		"an operator": operatorOf(t, s),
		"a user":      scenario.Register(t, s.URL(), "ada@example.com").LogIn(t),
	} {
		t.Run("asked by "+who, func(t *testing.T) {
			// A scratch folder, because schemathesis writes what it remembers to where it runs.
			run := exec.CommandContext(t.Context(), program, "--config-file", config, "run", s.URL()+"/openapi.json", "--no-color", "--warnings", "off")
			run.Dir = t.TempDir()
			run.Env = append(os.Environ(), "ACCESS_TOKEN="+person.Token)
			run.Stdout, run.Stderr = t.Output(), t.Output()
			if err := run.Run(); err != nil {
				t.Errorf("schemathesis: %v", err)
			}
		})
	}
}
