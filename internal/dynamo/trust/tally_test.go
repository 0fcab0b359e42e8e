package trust_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tally counts what happened in trials, so that nobody need believe that something did.
type tally struct {
	mu     sync.Mutex
	faults [faults]int64
	told   map[string]int
}

func (s *tally) add(tr *trial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range faults {
		s.faults[f] += tr.wire.happened[f].Load()
	}
	if s.told == nil {
		s.told = map[string]int{}
	}
	for _, o := range tr.history {
		s.told[o.kind()]++
	}
}

func (o *observation) kind() string {
	switch {
	case o.out.Unknown:
		return "unknown"
	case o.out.Failed:
		return "failed"
	case o.out.Refusal != nil:
		return o.out.Refusal.Code
	case o.in.Read:
		return "read"
	case o.out.Replay:
		return "repeat"
	default:
		return "carried out"
	}
}

// report logs the tally, and fails the test if it shows little: if few requests met a fault
// or few commands were carried out.
func (s *tally) report(t *testing.T) {
	requests, broken, asked := int64(0), int64(0), 0
	for f, n := range s.faults {
		requests += n
		if fault(f) != none {
			broken += n
		}
	}
	var told []string
	for _, kind := range slices.Sorted(maps.Keys(s.told)) {
		asked += s.told[kind]
		told = append(told, fmt.Sprintf("%d %s", s.told[kind], kind))
	}
	t.Logf("%d requests, of which %d met a fault (by kind: %v)", requests, broken, s.faults[1:])
	t.Logf("told: %s", strings.Join(told, ", "))
	if broken < requests/20 || s.told["carried out"] < asked/6 {
		t.Error("this shows little")
	}
}
