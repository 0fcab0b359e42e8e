package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/localstack/lockfile"
)

func TestWithoutARunningStackItSaysHowToStartOne(t *testing.T) {
	data := t.TempDir()
	t.Setenv("DATA_DIR", data)
	if _, err := environment("query"); err == nil || !strings.Contains(err.Error(), "`make run` starts") {
		t.Errorf("no stack was ever there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(data, "environment.json"), []byte(`{"query":["A=1"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := environment("query"); err == nil || !strings.Contains(err.Error(), "no stack is running on "+data+"; `make run` starts one") {
		t.Errorf("the stack has been stopped: %v", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(data, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if env, err := environment("query"); err != nil || len(env) != 1 {
		t.Errorf("the stack is running: %v, error %v", env, err)
	}
}
