package dynamo_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
	"github.com/interview-sandbox/annals/localstack/tables"
)

var rebuildEvents = flag.Int("rebuild-events", 20_000, "how many events are rebuilt from")

// counted is a row that a clean fold is easy to compare with: how many events, and the last.
type counted struct {
	Events int    `json:"events"`
	Last   string `json:"last"`
}

var counts = projection.View[counted]{Name: "counts", Category: "user", Apply: func(r counted, e es.Recorded) counted {
	return counted{r.Events + 1, e.Event.(events.UserNameChanged).New}
}}

func TestARebuildUnderLiveTrafficComesToTheLiveGeneration(t *testing.T) {
	const prefix = "annals-rebuild"
	if err := tables.Create(t.Context(), client(), prefix); err != nil {
		t.Fatal(err)
	}
	s := &dynamo.Store{Client: client(), Table: prefix + "-events"}
	generations := &dynamo.Generations{Client: client(), Table: prefix + "-views"}
	b := &projection.Rebuilder{
		Projector: &projection.Projector{
			Store: s, Now: time.Now, Generations: generations,
			Rows:        &dynamo.Rows{Client: client(), Table: prefix + "-views"},
			Parked:      &dynamo.Parked{Client: client(), Table: prefix + "-parked"},
			Projections: []projection.Projection{&counts, projection.Rebuilds},
		},
		Executor: &es.Executor{Repository: es.Repository{Store: s}, Now: time.Now},
		Scanner:  s,
		Parts:    &dynamo.Parts{Client: client(), Table: prefix + "-views"},
		Queue:    &projectiontest.Memory{Now: time.Now},
	}
	reader := &projection.Reader{Store: s, Rows: b.Rows, Generations: generations, Now: time.Now}
	const streams = 100
	tips := write(t, s, b.Projector, streams, *rebuildEvents/streams)

	ctx, stop := context.WithCancel(t.Context())
	var live sync.WaitGroup
	var reads atomic.Int64
	for i := range 2 {
		live.Go(func() {
			for n := i; ctx.Err() == nil; n += 2 {
				id := fmt.Sprint(n % streams)
				tips[n%streams] = grow(t, s, b.Projector, tips[n%streams], fmt.Sprint("live ", n), 1)
				if _, _, ok, err := counts.Get(t.Context(), reader, id, es.Moment{}); err != nil || !ok {
					t.Errorf("a read during the rebuild: %v, error %v", ok, err)
				}
				reads.Add(1)
			}
		})
	}
	if _, err := b.Start(t.Context(), es.Meta{CommandID: "start"}, nil, "counts"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Start(t.Context(), es.Meta{CommandID: "start again"}, nil, "counts"); err != projection.ErrRebuilding {
		t.Errorf("a second rebuild at once: %v", err)
	}
	start := time.Now()
	work(t, b)
	rebuilt := time.Since(start)
	stop()
	live.Wait()
	if reads.Load() == 0 {
		t.Error("nobody has read during the rebuild")
	}

	all, err := generations.LoadGenerations(t.Context())
	if want := (projection.Generations{Live: 1, Other: 2, Newest: 2, Version: 2}); err != nil || all["counts"] != want {
		t.Fatalf("generations %+v, error %v", all, err)
	}
	for i := range streams {
		var rows [2]counted
		var stored [2]projection.Row
		for g := range rows {
			if stored[g], err = b.Rows.Load(t.Context(), projection.Key{View: "counts", Generation: g + 1, ID: fmt.Sprint(i)}, &rows[g], true); err != nil {
				t.Fatal(err)
			}
		}
		if rows[0] != rows[1] || stored[0] != stored[1] || stored[0].Version != tips[i].Version() {
			t.Errorf("stream %d has the rows %+v, its version is %d", i, rows, tips[i].Version())
		}
	}

	start = time.Now()
	scanAll(t, s)
	scanned := time.Since(start)
	t.Logf("%d events: rebuilt in %v beside live traffic, a bare scan took %v", *rebuildEvents, rebuilt.Round(time.Millisecond), scanned.Round(time.Millisecond))

	for i, step := range []struct {
		do   func(context.Context, es.Meta, *es.Version, string) (es.Result, error)
		live int
	}{{b.Switch, 2}, {b.Rollback, 1}, {b.Switch, 2}, {b.Cancel, 2}} {
		if _, err := step.do(t.Context(), es.Meta{CommandID: fmt.Sprint("step ", i)}, nil, "counts"); err != nil {
			t.Fatal(err)
		}
		if all, err := generations.LoadGenerations(t.Context()); err != nil || all["counts"].Live != step.live {
			t.Errorf("generations %+v, error %v, want %d live", all, err, step.live)
		}
	}
	if _, err := b.Rollback(t.Context(), es.Meta{CommandID: "rollback"}, nil, "counts"); err != projection.ErrNoWayBack {
		t.Errorf("a way back that was given up: %v", err)
	}
}

// work does all parts of a rebuild side by side.
func work(t *testing.T, b *projection.Rebuilder) {
	t.Helper()
	var wg sync.WaitGroup
	for {
		task, ok, _ := b.Queue.(*projectiontest.Memory).Take(func(int) int { return 0 })
		if !ok {
			break
		}
		wg.Go(func() {
			if err := b.Do(t.Context(), task, time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func scanAll(t *testing.T, s es.Scanner) {
	t.Helper()
	var wg sync.WaitGroup
	for part := range projection.Parts {
		wg.Go(func() {
			for _, err := range s.Scan(t.Context(), part, projection.Parts, nil) {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func write(t *testing.T, s es.Store, p *projection.Projector, streams, length int) []es.Tip {
	t.Helper()
	tips := make([]es.Tip, streams)
	for i := range tips {
		tips[i] = es.StartOf(es.NewStream("user", fmt.Sprint(i)))
		for n := 0; n < length; n += 20 {
			tips[i] = grow(t, s, p, tips[i], "written", min(20, length-n))
		}
	}
	return tips
}

// grow adds a commit and projects it, as the stream would have it done.
func grow(t *testing.T, s es.Store, p *projection.Projector, tip es.Tip, name string, n int) es.Tip {
	more := make([]events.Event, n-1)
	for i := range more {
		more[i] = events.UserNameChanged{New: name}
	}
	pending, err := tip.Next(es.Meta{CommandID: fmt.Sprint(tip.Version())}, estest.Now, events.UserNameChanged{New: name}, more...)
	if err == nil {
		err = s.Append(t.Context(), pending)
	}
	if err == nil {
		tip, err = tip.Follow(pending.Commit())
	}
	if failed := p.Project(t.Context(), []es.Commit{pending.Commit()}); err != nil || len(failed) > 0 {
		t.Errorf("error %v, failed %v", err, failed)
	}
	return tip
}
