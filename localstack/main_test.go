package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/stacktest"
)

func TestMain(m *testing.M) { stacktest.Main(m, main) }

func TestTheTerminalShowsTheStacksStepsAndTheLogTheRequests(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	if status, body := send(t, "GET", s.URL()+"/health", ""); status != 200 {
		t.Errorf("health: %d %s", status, body)
	}
	if status, body := send(t, "GET", s.URL()+"/no/such/route", ""); status != 404 || !strings.Contains(body, "/problems/") {
		t.Errorf("unknown route: %d %s", status, body)
	}
	s.Terminate()

	for line := range strings.Lines(s.Output()) {
		if !regexp.MustCompile(`^([a-z0-9]+ +\S.*|listening on http://127\.0\.0\.1:\d+)\n$`).MatchString(line) {
			t.Errorf("line on the terminal: %q", line)
		}
	}
	log, err := os.ReadFile(filepath.Join(s.DataDir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(log) {
		if !json.Valid(line) {
			t.Errorf("line in the log: %q", line)
		}
	}
	for _, route := range []string{"GET /health", "$default"} {
		if !bytes.Contains(log, []byte(`"route":"`+route+`"`)) {
			t.Errorf("the log lacks %s:\n%s", route, log)
		}
	}
}

func TestTheFolderIsForItsOwnerOnlyAndSaysWhereThePartsAre(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	for name, want := range map[string]os.FileMode{".": 0o700, "operator.json": 0o600, "master.key": 0o600, "log": 0o600} {
		info, err := os.Stat(filepath.Join(s.DataDir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	e := s.Endpoints()
	if e.API != s.URL() {
		t.Errorf("api: %s, listening on %s", e.API, s.URL())
	}
	if status, body := send(t, "GET", e.S3+"/"+failures, ""); status != 200 || !strings.Contains(body, "<Name>"+failures+"</Name>") {
		t.Errorf("the bucket for failures: %d %s", status, body)
	}
	if status, body := send(t, "GET", e.DynamoDB, ""); status != 200 {
		t.Errorf("DynamoDB: %d %s", status, body)
	}
}

func TestAPortThatIsTakenIsReportedWithTheSettingThatChangesIt(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, "which PORT can change", "PORT="+port, "DATA_DIR="+t.TempDir())
}

func TestASecondStackOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	wantRefusal(t, "another stack is running on "+s.DataDir, "PORT=0", "DATA_DIR="+s.DataDir)
	if status, _ := send(t, "GET", s.URL()+"/health", ""); status != 200 {
		t.Errorf("the first stack answers %d", status)
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"PORT":              {"PORT": "http"},
		"PORT ":             {"PORT": "65536"},
		"DYNAMODB_ENDPOINT": {"DYNAMODB_ENDPOINT": "127.0.0.1:8000"},
		"SIGNING_KEYS":      {"SIGNING_KEYS": "old, new"},
		"SIGNING_KEYS ":     {"SIGNING_KEYS": "1,2,1"},
		"SIGNING_KEYS  ":    {"SIGNING_KEYS": "../1"},
		"MODE":              {"MODE": "docker"},
	} {
		_, err := settingsFrom(func(key string) string { return env[key] })
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%v: %v", env, err)
		}
	}
	got, err := settingsFrom(func(string) string { return "" })
	if want := (settings{port: "8080", dataDir: ".local", signing: []string{"1"}}); !reflect.DeepEqual(got, want) || err != nil {
		t.Errorf("defaults: %+v %v", got, err)
	}
}

// wantRefusal starts a stack that has to end by itself and say why.
func wantRefusal(t *testing.T, why string, env ...string) {
	t.Helper()
	cmd := stacktest.Program(t)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), why) {
		t.Errorf("%v, and it said:\n%s", err, out)
	}
}

// send sends a request with a JSON body, if any, and returns what comes back.
func send(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	status, text, err := try(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, text
}

func try(method, url, body string) (int, string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func canLogIn(t *testing.T, s *stacktest.Stack, email, password string) bool {
	t.Helper()
	status, body := send(t, "POST", s.URL()+"/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	if status != 200 && status != 401 {
		t.Errorf("log in: %d %s", status, body)
	}
	return status == 200
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, time.Minute, what, holds)
}

func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to pass that %s", what)
		}
	}
}
