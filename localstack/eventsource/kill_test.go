package eventsource

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/topology"
)

// killedEndpoint tells the test binary to be a source on this endpoint until it is killed.
const (
	killedEndpoint = "EVENTSOURCE_TEST_ENDPOINT"
	killedStream   = "EVENTSOURCE_TEST_STREAM"
	killedDir      = "EVENTSOURCE_TEST_DIR"

	killedBatch = 3
)

// runUntilKilled appends what the function is invoked with to a file, a line an invocation.
func runUntilKilled() {
	dir := os.Getenv(killedDir)
	seen, err := os.OpenFile(filepath.Join(dir, "seen"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	f := new(function)
	s := &Source{
		Settings:  topology.EventSource{Function: "projector", BatchSize: killedBatch, MaxAge: 24 * time.Hour, Parallel: 1},
		StreamARN: os.Getenv(killedStream),
		Client:    streamsAt(os.Getenv(killedEndpoint)),
		Invoke: func(ctx context.Context, payload []byte) ([]byte, error) {
			response, err := f.invoke(ctx, payload)
			seen.WriteString(f.invocations[len(f.invocations)-1] + "\n")
			return response, err
		},
		Checkpoints: filepath.Join(dir, "checkpoints"),
		Now:         time.Now,
		Log:         slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	panic(s.Run(context.Background()))
}

func TestAKilledSourceRepeatsRecordsButSkipsNone(t *testing.T) {
	const items, kills = 600, 15
	tb, dir := newTable(t), t.TempDir()
	tb.put(items)
	for range kills {
		before := len(invocationsIn(t, dir))
		kill := startSource(t, tb.stream, dir)
		eventually(t, "invoked some times more, or done", true, func() bool {
			now := len(invocationsIn(t, dir))
			return now > before+rand.IntN(4) || now >= items/killedBatch
		})
		kill()
	}
	startSource(t, tb.stream, dir)
	var last, repeated int
	eventually(t, "last item", items, func() int {
		last, repeated = 0, 0
		for _, invocation := range invocationsIn(t, dir) {
			for _, n := range invocation {
				if n > last+1 {
					t.Fatalf("item %d came after item %d", n, last)
				}
				if n <= last {
					repeated++
				}
				last = max(last, n)
			}
		}
		return last
	})
	t.Logf("%d items repeated after %d kills", repeated, kills)
	if repeated > kills*killedBatch {
		t.Errorf("more than the batches in flight were repeated: %d items", repeated)
	}
}

// invocationsIn lists the items of each invocation so far.
func invocationsIn(t *testing.T, dir string) [][]int {
	text, err := os.ReadFile(filepath.Join(dir, "seen"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var all [][]int
	for line := range strings.Lines(string(text)) {
		var items []int
		for item := range strings.FieldsSeq(line) {
			n, err := strconv.Atoi(item)
			if err != nil {
				t.Fatal(err)
			}
			items = append(items, n)
		}
		all = append(all, items)
	}
	return all
}

// startSource starts a source as a process and returns a function that kills it.
func startSource(t *testing.T, stream, dir string) (kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killedEndpoint+"="+endpoint, killedStream+"="+stream, killedDir+"="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(kill)
	return kill
}
