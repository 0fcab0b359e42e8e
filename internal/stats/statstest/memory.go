// Package statstest helps to test what counts: a store of sums in memory that fails on
// demand, and the contract that every such store has to keep.
package statstest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/stats"
)

// Memory is a real store of sums in memory. Its zero value is ready.
type Memory struct {
	mu      sync.Mutex
	sums    map[stats.Key]stats.Sums
	failing bool
	adds    int
}

// ErrInjected is what a store that was told to fail fails with.
var ErrInjected = errors.New("injected fault")

// Fail makes all that follow fail, or no longer.
func (m *Memory) Fail(failing bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = failing
}

// Adds is how often something was stored.
func (m *Memory) Adds() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.adds
}

// Add implements [stats.Store].
func (m *Memory) Add(_ context.Context, k stats.Key, s stats.Sums, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		return ErrInjected
	}
	if m.sums == nil {
		m.sums = map[stats.Key]stats.Sums{}
	}
	all := m.sums[k]
	all.Merge(s)
	m.sums[k] = all
	m.adds++
	return nil
}

// Load implements [stats.Store].
func (m *Memory) Load(_ context.Context, part, from, through string) (all []stats.Sums, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		return nil, ErrInjected
	}
	for _, k := range slices.SortedFunc(maps.Keys(m.sums), func(a, b stats.Key) int { return cmp.Compare(a.Period, b.Period) }) {
		if k.Part == part && k.Period >= from && k.Period <= through {
			all = append(all, stats.Sums{Added: maps.Clone(m.sums[k].Added), Last: maps.Clone(m.sums[k].Last)})
		}
	}
	return all, nil
}

// StoreContract holds a store to what [stats.Store] promises.
func StoreContract(t *testing.T, s stats.Store) {
	add := func(period string, added, last map[string]float64, expires time.Time) {
		t.Helper()
		if err := s.Add(t.Context(), stats.Key{Part: "contract", Period: period}, stats.Sums{Added: added, Last: last}, expires); err != nil {
			t.Fatal(err)
		}
	}
	type numbers = map[string]float64
	later := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	add("2026-01-02T04", numbers{"a.b": 0.5, "n": 1}, numbers{"n": 7}, later)
	add("2026-01-02T03", numbers{"n": 1}, nil, time.Time{})
	add("2026-01-02T04", numbers{"a.b": 1, "m": 1e12}, numbers{"n": 8, "x y": 0}, later)
	add("2026-01-02T05", nil, numbers{"n": 9}, later)
	third := stats.Sums{Added: numbers{"n": 1}}
	fourth := stats.Sums{Added: numbers{"a.b": 1.5, "n": 1, "m": 1e12}, Last: numbers{"n": 8, "x y": 0}}
	fifth := stats.Sums{Last: numbers{"n": 9}}
	for _, c := range []struct {
		part, from, through string
		want                []stats.Sums
	}{
		{"contract", "2026-01-02T03", "2026-01-02T05", []stats.Sums{third, fourth, fifth}},
		{"contract", "2026-01-02T04", "2026-01-02T04", []stats.Sums{fourth}},
		{"contract", "2026-01-02T06", "2026-01-02T09", nil},
		{"other", "2026-01-02T03", "2026-01-02T05", nil},
	} {
		got, err := s.Load(t.Context(), c.part, c.from, c.through)
		same := slices.EqualFunc(got, c.want, func(a, b stats.Sums) bool { return maps.Equal(a.Added, b.Added) && maps.Equal(a.Last, b.Last) })
		if err != nil || !same {
			t.Errorf("%+v: got %v, error %v", c, got, err)
		}
	}
}
