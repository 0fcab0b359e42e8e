// Command invoke runs the built program of a function once, with a payload of events/payloads,
// under AWS's Lambda Runtime Interface Emulator and against the stack in DATA_DIR (.local), which
// has to be running. It prints the answer, on standard error what the function logs.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/interview-sandbox/annals/localstack/lockfile"
	"github.com/interview-sandbox/annals/localstack/rie"
)

// folder has the payloads, from the top of the repository.
const folder = "events/payloads"

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	function := flag.String("fn", "", "the function: command-auth")
	event := flag.String("event", "", "the payload: create-user")
	flag.Parse()
	if err := invoke(ctx, *function, *event); err != nil {
		fmt.Fprintln(os.Stderr, "invoke:", err)
		os.Exit(1)
	}
}

func invoke(ctx context.Context, function, event string) error {
	payload, err := os.ReadFile(filepath.Join(folder, function, event+".json"))
	switch {
	case function == "" || event == "":
		return errors.New("say which FN and EVENT; there are\n" + list())
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no FN=%s EVENT=%s; there are\n%s", function, event, list())
	}
	if err != nil {
		return err
	}
	emulator, err := rie.Find("build/python/sam")
	if err != nil {
		return err
	}
	env, err := environment(function)
	if err != nil {
		return err
	}
	answer, err := rie.Invoke(ctx, emulator, rie.Function{Program: filepath.Join("build", "native", function), Env: env, Log: os.Stderr}, payload)
	if err != nil {
		return err
	}
	var shown bytes.Buffer
	if json.Indent(&shown, answer, "", "  ") != nil {
		shown.Reset()
		shown.Write(answer)
	}
	fmt.Println(shown.String())
	return nil
}

// environment is what the running stack has given the function.
func environment(function string) ([]string, error) {
	data := cmp.Or(os.Getenv("DATA_DIR"), ".local")
	text, err := os.ReadFile(filepath.Join(data, "environment.json"))
	if err != nil {
		return nil, fmt.Errorf("find the local stack, which `make run` starts and DATA_DIR says where: %w", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(data, "lock"))
	if err == nil {
		lock.Close()
		return nil, fmt.Errorf("no stack is running on %s; `make run` starts one, and DATA_DIR says where", data)
	}
	if !errors.Is(err, lockfile.ErrTaken) {
		return nil, err
	}
	var all map[string][]string
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("read what the stack has written of its functions: %w", err)
	}
	return all[function], nil
}

// list has a line for each payload.
func list() string {
	var all strings.Builder
	paths, _ := filepath.Glob(filepath.Join(folder, "*", "*.json")) // the pattern is a good one
	for _, path := range paths {
		fmt.Fprintf(&all, "  FN=%-20s EVENT=%s\n", filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	return strings.TrimSuffix(all.String(), "\n")
}
