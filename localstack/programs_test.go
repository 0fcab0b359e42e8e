package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

// inLambdaMode is the environment of a stack whose functions are processes.
func inLambdaMode(t *testing.T) []string {
	t.Helper()
	programs, err := filepath.Abs("../build/native")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range topology.Functions() {
		if _, err := os.Stat(filepath.Join(programs, f.Name)); err != nil {
			t.Fatalf("run `make native` first: %v", err)
		}
	}
	return []string{"MODE=lambda", "FUNCTIONS_DIR=" + programs}
}

func TestTheAPIKeepsItsContractOverTheLambdaRuntimeAPI(t *testing.T) {
	t.Parallel()
	keepsContract(t, stacktest.Start(t, inLambdaMode(t)...))
}

// environments gives the ids of the processes that run a function of a stack: those with its
// folder in their environment.
func environments(t *testing.T, s *stacktest.Stack) (pids []int) {
	t.Helper()
	out, err := exec.Command("ps", "-A", "-ww", "-E", "-o", "pid=,command=").Output()
	if err != nil {
		out, err = exec.Command("ps", "-A", "-ww", "e", "-o", "pid=,args=").Output()
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		if !strings.Contains(string(line), "ANNALS_KEY_FILE="+s.DataDir+string(filepath.Separator)) {
			continue
		}
		pid, err := strconv.Atoi(strings.Fields(string(line))[0])
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func TestNoEnvironmentOutlivesItsStack(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, inLambdaMode(t)...)
	for name, end := range map[string]func(){"SIGTERM": s.Terminate, "kill -9": s.Kill9} {
		if !strings.HasPrefix(s.URL(), "http") || len(environments(t, s)) == 0 {
			t.Fatal("there are no environments")
		}
		end()
		eventually(t, "no environment is left after "+name, func() bool { return len(environments(t, s)) == 0 })
		s.Restart()
		scenario.Register(t, s.URL(), strings.ReplaceAll(name, " ", "")+"@example.com")
	}
}

func TestWhatWasAcknowledgedIsThereThoughEnvironmentsAreKilled(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, inLambdaMode(t)...)
	ada := scenario.Register(t, s.URL(), "ada@example.com")
	var (
		mu           sync.Mutex
		statuses     = map[int]int{}
		acknowledged []string
		clients      sync.WaitGroup
		stop         = make(chan struct{})
	)
	for client := range 4 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", client, n)
				a, err := ada.Send(t.Context(), "POST", "/payments", map[string]any{"amount": 100 + n, "currency": "EUR", "method": "approve"},
					scenario.Header{Name: "Idempotency-Key", Value: id})
				// API Gateway's own answer for a function that has died is not in the contract.
				if breach := (*scenario.BreachError)(nil); err != nil && !(errors.As(err, &breach) && a.Status >= 500) {
					t.Error(err)
					return
				}
				mu.Lock()
				statuses[a.Status]++
				if a.Status < 300 {
					acknowledged = append(acknowledged, a.Body["id"].(string))
				}
				mu.Unlock()
			}
		})
	}
	killed := 0
	eventually(t, "environments are killed under load", func() bool {
		if all := environments(t, s); len(all) > 0 && syscall.Kill(all[rand.IntN(len(all))], syscall.SIGKILL) == nil {
			killed++
		}
		mu.Lock()
		defer mu.Unlock()
		return killed >= 30 && len(acknowledged) >= 20
	})
	close(stop)
	clients.Wait()
	t.Logf("%d environments were killed; statuses %v", killed, statuses)
	for status := range maps.Keys(statuses) {
		if !slices.Contains([]int{202, 500, 502, 503}, status) {
			t.Errorf("an answer has the status %d", status)
		}
	}
	for _, id := range acknowledged {
		ada.Expect(t, 200, "GET", "/payments/"+id+"?atLeast=1", nil)
	}
	// What failed twice is left to the clock, which tries it a minute after the event at the
	// soonest and looks once a minute.
	within(t, 5*time.Minute, "every payment has its outcome", func() bool {
		for _, id := range acknowledged {
			if a := ada.Expect(t, 200, "GET", "/payments/"+id+"?atLeast=1", nil); a.Body["status"] != "captured" {
				return false
			}
		}
		return true
	})
}
