package main

import (
	"context"
	"iter"
	"runtime"
	"testing"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
)

// folded is how many events one operation of the benchmarks folds.
const folded = 10_000

// evolve folds decoded events.
func evolve(b *testing.B) {
	history := make([]events.Auth, folded)
	for i := range history {
		history[i] = happening("folded", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		var u auth.User
		for _, e := range history {
			u = u.Evolve(e)
		}
		if !u.Exists() {
			b.Fatal("the account is not there")
		}
	}
	rate(b)
}

// foldStored folds commits as a store gives them, of one event each: JSON decoded, chain
// checked, commands remembered.
func foldStored(b *testing.B) {
	store, tip := commits{}, es.StartOf(es.NewStream(accounts.Category, "folded"))
	for i := range folded {
		p, err := tip.Next(request(i), clock(), happening("folded", i))
		if err == nil {
			tip, err = tip.Follow(p.Commit())
		}
		if err != nil {
			b.Fatal(err)
		}
		store.all = append(store.all, p.Commit())
	}
	r := &es.Repository{Store: store}
	b.ReportAllocs()
	for b.Loop() {
		if f, err := accounts.Load(context.Background(), r, "folded"); err != nil || f.Tip.Version() != folded {
			b.Fatal("not folded to its end:", err)
		}
	}
	rate(b)
}

func rate(b *testing.B) {
	b.ReportMetric(float64(b.N)*folded/b.Elapsed().Seconds(), "events/s")
}

// commits is a store of one stream in memory, for reading.
type commits struct {
	es.Store
	all []es.Commit
}

// Read implements [es.Store].
func (c commits) Read(context.Context, es.Stream, es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for _, commit := range c.all {
			if !yield(commit, nil) {
				return
			}
		}
	}
}

// foldRow is how fast one core folds.
type foldRow struct {
	What           string  `json:"what"`
	EventsPerS     float64 `json:"eventsPerSecond"`
	AllocsPerEvent float64 `json:"allocationsPerEvent"`
	BytesPerEvent  float64 `json:"bytesPerEvent"`
}

const foldRounds = 3

// measureFolds takes the best of several runs of each benchmark: what else the machine does
// can only make a core look slower.
func measureFolds() (rows []foldRow) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // one core, collecting the garbage included
	benchmarks := []struct {
		what string
		run  func(*testing.B)
	}{{"Evolve, events decoded", evolve}, {"stored commits to state", foldStored}}
	for _, b := range benchmarks {
		progress("folding: %s", b.what)
		row := foldRow{What: b.what}
		for range foldRounds {
			r := testing.Benchmark(b.run)
			row.EventsPerS = max(row.EventsPerS, r.Extra["events/s"])
			row.AllocsPerEvent = float64(r.AllocsPerOp()) / folded
			row.BytesPerEvent = float64(r.AllocedBytesPerOp()) / folded
		}
		rows = append(rows, row)
	}
	return rows
}
