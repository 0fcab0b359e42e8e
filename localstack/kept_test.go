package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	const password = "correct horse battery"
	var kept []string // addresses of acknowledged registrations
	for round := range 3 {
		var mu sync.Mutex
		var clients sync.WaitGroup
		for c := range 4 {
			clients.Go(func() {
				for n := 0; ; n++ {
					email := fmt.Sprintf("u%d-%d-%d@example.com", round, c, n)
					status, _, err := try("POST", s.URL()+"/auth/users", fmt.Sprintf(`{"email":%q,"password":%q,"name":"U"}`, email, password))
					if err != nil {
						return // killed
					}
					if status == 201 {
						mu.Lock()
						kept = append(kept, email)
						mu.Unlock()
					}
				}
			})
		}
		eventually(t, "some registrations are acknowledged", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(kept) >= 4*(round+1)
		})
		s.Kill9()
		clients.Wait()
		s.Restart()
	}
	for _, email := range kept {
		if !canLogIn(t, s, email, password) {
			t.Errorf("%s was acknowledged and is lost", email)
		}
		if status, body := send(t, "POST", s.URL()+"/auth/users", fmt.Sprintf(`{"email":%q,"password":%q,"name":"U"}`, email, password)); status != 409 {
			t.Errorf("%s a second time: %d %s", email, status, body)
		}
	}
}

func TestObjectsSurviveKill9(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	object := "/" + failures + "/some/key"
	if status, body := send(t, "PUT", s.Endpoints().S3+object, "kept"); status != 200 {
		t.Fatalf("put: %d %s", status, body)
	}
	s.Kill9()
	s.Restart()
	if status, body := send(t, "GET", s.Endpoints().S3+object, ""); status != 200 || body != "kept" {
		t.Errorf("get: %d %s", status, body)
	}
}

func TestTheOperatorsLoginWorksAtEveryStart(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	first := s.Operator()
	wantLogin := func(when string) {
		t.Helper()
		if o := s.Operator(); !canLogIn(t, s, o.Email, o.Password) {
			t.Errorf("%s: no", when)
		}
	}
	wantLogin("at the first start")
	s.Terminate()
	s.Restart()
	wantLogin("at the second start")
	if s.Operator() != first {
		t.Errorf("the login changed from %v to %v", first, s.Operator())
	}
	s.Kill9()
	if err := os.Remove(filepath.Join(s.DataDir, "operator.json")); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	wantLogin("when the file was lost")
}

func TestAKillInAnyStepOfTheFirstStartIsHealedByTheSecond(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"data", "dynamodb", "operator", "functions", "streams", "schedules", "endpoints", "listening"} {
		s := stacktest.New(t)
		killAt(t, s.DataDir, step)
		s.Restart()
		if o := s.Operator(); !canLogIn(t, s, o.Email, o.Password) {
			t.Errorf("killed at %q: the operator's login does not work", step)
		}
		s.Kill9()
	}
}

// killAt starts a stack and kills it as soon as it says that it has come to a step.
func killAt(t *testing.T, dataDir, step string) {
	t.Helper()
	cmd := stacktest.Program(t)
	cmd.Env = append(cmd.Env, "PORT=0", "DATA_DIR="+dataDir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reached := false
	for lines := bufio.NewScanner(stdout); !reached && lines.Scan(); {
		reached = strings.HasPrefix(lines.Text(), step)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if !reached {
		t.Fatalf("the stack did not come to the step %q", step)
	}
}

func TestAFirstStartThatCrashedBeforeTheOperatorsAccountIsHealed(t *testing.T) {
	t.Parallel()
	s := stacktest.New(t)
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(filepath.Join(s.DataDir, "operator.json"), login{"operator@annals.example", "left by a crash"}); err != nil {
		t.Fatal(err)
	}
	s.Restart()
	if !canLogIn(t, s, "operator@annals.example", "left by a crash") {
		t.Error("the login of the first start does not work")
	}
}

func TestAFileIsWholeOrAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.json")
	for _, content := range []any{map[string]int{"a": 1}, map[string]int{"b": 2}} {
		if err := writeJSON(path, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeJSON(path, time.Now); err == nil {
		t.Error("a function was written as JSON")
	}
	if text, err := os.ReadFile(path); string(text) != "{\"b\":2}\n" || err != nil {
		t.Errorf("%q %v", text, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("files beside it: %v %v", entries, err)
	}
}
