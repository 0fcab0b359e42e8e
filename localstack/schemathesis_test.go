//go:build schemathesis

package main

import (
	"encoding/json"
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
	for _, caller := range []struct {
		who   string
		logIn func(*testing.T, *stacktest.Stack) scenario.Person
		takes int // of the operations accept a request, at least; else refusals alone would be tested
	}{
		{"an operator", operatorOf, 45},
		{"a user", func(t *testing.T, s *stacktest.Stack) scenario.Person {
			return scenario.Register(t, s.URL(), "ada@example.com").LogIn(t)
		}, 30},
	} {
		t.Run("asked by "+caller.who, func(t *testing.T) {
			s := stacktest.Start(t) // one each, because requests made at random suspend and erase people
			person := caller.logIn(t, s)
			// Schemathesis takes ids out of answers, so that there have to be some.
			person.UploadFile(t, "notes.txt", "To be read.")
			scenario.Pay(t, person)

			// A scratch folder, because schemathesis writes what it remembers to where it runs.
			run := exec.CommandContext(t.Context(), program, "--config-file", config, "run", s.URL()+"/openapi.json",
				"--no-color", "--report", "json", "--report-json-path", "report.json")
			run.Dir = t.TempDir()
			run.Env = append(os.Environ(), "ACCESS_TOKEN="+person.Token)
			run.Stdout, run.Stderr = t.Output(), t.Output()
			if err := run.Run(); err != nil {
				t.Errorf("schemathesis: %v", err)
			}
			operations, accepted := readReport(t, filepath.Join(run.Dir, "report.json"))
			t.Logf("%d of %d operations accepted a request", accepted, operations)
			if accepted < caller.takes {
				t.Errorf("less than %d operations accepted a request", caller.takes)
			}
		})
	}
}

// readReport tells how many operations schemathesis made valid requests to, and how many of them
// accepted one.
func readReport(t *testing.T, path string) (operations, accepted int) {
	t.Helper()
	var report struct {
		Rates map[string]map[string]struct{ Accepted int } `json:"valid_rates"` // by operation and phase
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, phases := range report.Rates {
		for _, phase := range phases {
			if phase.Accepted > 0 {
				accepted++
				break
			}
		}
	}
	return len(report.Rates), accepted
}
