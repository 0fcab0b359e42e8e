package dynamo_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
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

var rebuildEvents = flag.Int("rebuild-events", 20_000, "how many events are rebuilt from; from a million on, the rate has to be near that of a bare scan")

// Streams are of five commits with ten events each. dynoxide looks at a whole table for each
// page of a parallel scan, which bounds how many commits a test can have, though not events.
const (
	perCommit = 10
	perStream = 50
	// nearScan is how near.
	nearScan = 0.8
)

// counted is a row that a clean fold is easy to compare with: how many events, and the last.
type counted struct {
	Events int    `json:"events"`
	Last   string `json:"last"`
}

var counts = projection.View[counted]{Name: "counts", Category: "user", Apply: func(r counted, e es.Recorded) counted {
	return counted{r.Events + 1, e.Event.(events.UserNameChanged).New}
}}

func TestARebuildUnderLiveTrafficComesToTheLiveGeneration(t *testing.T) {
	b, s := rebuilder(t, "annals-rebuild")
	tips := writeStreams(t, s, *rebuildEvents/perStream)
	project(t, b.Projector, s, tips)
	reader := &projection.Reader{Store: s, Rows: b.Rows, Generations: b.Generations, Now: time.Now}

	ctx, stop := context.WithCancel(t.Context())
	var live sync.WaitGroup
	var reads atomic.Int64
	const writers = 2
	for i := range writers {
		live.Go(func() {
			every := time.NewTicker(10 * time.Millisecond)
			defer every.Stop()
			for n := i; ctx.Err() == nil; n += writers {
				stream := n % len(tips)
				tips[stream] = grow(t, s, b.Projector, tips[stream], fmt.Sprint("live ", n))
				if _, _, ok, err := counts.Get(t.Context(), reader, tips[stream].Stream().ID(), es.Moment{}); err != nil || !ok {
					t.Errorf("a read during the rebuild: %v, error %v", ok, err)
				}
				reads.Add(1)
				<-every.C
			}
		})
	}
	before := scanAll(t, s)
	if _, err := b.Start(t.Context(), es.Meta{CommandID: "start"}, nil, "counts"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Start(t.Context(), es.Meta{CommandID: "start again"}, nil, "counts"); err != projection.ErrRebuilding {
		t.Errorf("a second rebuild at once: %v", err)
	}
	start := time.Now()
	work(t, b)
	rebuilt := time.Since(start)
	after := scanAll(t, s)
	stop()
	live.Wait()
	if reads.Load() == 0 {
		t.Error("nobody has read during the rebuild")
	}

	all, err := b.Generations.LoadGenerations(t.Context())
	if want := (projection.Generations{Live: 1, Other: 2, Newest: 2, Version: 2}); err != nil || all["counts"] != want {
		t.Fatalf("generations %+v, error %v", all, err)
	}
	compareRows(t, b.Rows, tips)

	scan := (before + after) / 2
	share := scan.Seconds() / rebuilt.Seconds()
	t.Logf("%d events in %d commits of %d streams, %d live commits: rebuilt in %v (%.0f events/s), bare scans took %v and %v (%.0f events/s): %.0f %%",
		*rebuildEvents, *rebuildEvents/perCommit, len(tips), reads.Load(), rebuilt.Round(time.Millisecond), float64(*rebuildEvents)/rebuilt.Seconds(),
		before.Round(time.Millisecond), after.Round(time.Millisecond), float64(*rebuildEvents)/scan.Seconds(), 100*share)
	if *rebuildEvents >= 1_000_000 && share < nearScan {
		t.Errorf("a rebuild runs at %.2f of the rate of a bare scan, want %.2f", share, nearScan)
	}

	for i, step := range []struct {
		do   func(context.Context, es.Meta, *es.Version, string) (es.Result, error)
		live int
	}{{b.Switch, 2}, {b.Rollback, 1}, {b.Switch, 2}, {b.Cancel, 2}} {
		if _, err := step.do(t.Context(), es.Meta{CommandID: fmt.Sprint("step ", i)}, nil, "counts"); err != nil {
			t.Fatal(err)
		}
		if all, err := b.Generations.LoadGenerations(t.Context()); err != nil || all["counts"].Live != step.live {
			t.Errorf("generations %+v, error %v, want %d live", all, err, step.live)
		}
	}
	if _, err := b.Rollback(t.Context(), es.Meta{CommandID: "rollback"}, nil, "counts"); err != projection.ErrNoWayBack {
		t.Errorf("a way back that was given up: %v", err)
	}
}

// rebuilder is one on tables of its own, whose stream nobody reads.
func rebuilder(t *testing.T, prefix string) (*projection.Rebuilder, *dynamo.Store) {
	t.Helper()
	if err := tables.Create(t.Context(), client(), prefix); err != nil {
		t.Fatal(err)
	}
	if err := tables.StopStreams(t.Context(), client(), prefix); err != nil {
		t.Fatal(err)
	}
	s := &dynamo.Store{Client: client(), Table: prefix + "-events"}
	return &projection.Rebuilder{
		Projector: &projection.Projector{
			Store: s, Now: time.Now,
			Rows:        &dynamo.Rows{Client: client(), Table: prefix + "-views"},
			Parked:      &dynamo.Parked{Client: client(), Table: prefix + "-parked"},
			Generations: &dynamo.Generations{Client: client(), Table: prefix + "-views"},
			Projections: []projection.Projection{&counts, projection.Rebuilds},
		},
		Executor: &es.Executor{Repository: es.Repository{Store: s}, Now: time.Now},
		Scanner:  s,
		Parts:    &dynamo.Parts{Client: client(), Table: prefix + "-views"},
		Queue:    &projectiontest.Memory{Now: time.Now},
	}, s
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

// scanAll reads all events as a rebuild does, and tells how long that took.
func scanAll(t *testing.T, s es.Scanner) time.Duration {
	t.Helper()
	start := time.Now()
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
	return time.Since(start)
}

// writeStreams stores streams, a hundred in one transaction, commit by commit.
func writeStreams(t *testing.T, s es.Store, streams int) []es.Tip {
	t.Helper()
	tips := make([]es.Tip, streams)
	for i := range tips {
		tips[i] = es.StartOf(es.NewStream("user", fmt.Sprint(i)))
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for some := range slices.Chunk(tips, 100) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			for range perStream / perCommit {
				if err := extend(t.Context(), s, some); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return tips
}

// extend adds a commit to each stream.
func extend(ctx context.Context, s es.Store, tips []es.Tip) error {
	pending := make([]es.Pending, len(tips))
	for i, tip := range tips {
		var err error
		if pending[i], err = next(tip, "filled", perCommit); err != nil {
			return err
		}
		if tips[i], err = tip.Follow(pending[i].Commit()); err != nil {
			return err
		}
	}
	return s.Append(ctx, pending...)
}

func next(tip es.Tip, name string, n int) (es.Pending, error) {
	more := make([]events.Event, n-1)
	for i := range more {
		more[i] = events.UserNameChanged{New: name}
	}
	id := es.DeriveID(string(tip.Stream()), fmt.Sprint(tip.Version()))
	return tip.Next(es.Meta{CommandID: id, CorrelationID: id, Actor: tip.Stream().ID()}, estest.Now, events.UserNameChanged{New: name}, more...)
}

// project makes the live generation, from the last commit of each stream alone.
func project(t *testing.T, p *projection.Projector, s es.Store, tips []es.Tip) {
	t.Helper()
	for some := range slices.Chunk(tips, 1000) {
		var last []es.Commit
		for _, tip := range some {
			for c, err := range s.Read(t.Context(), tip.Stream(), es.Range{Backward: true, Limit: 1}) {
				if err != nil {
					t.Fatal(err)
				}
				last = append(last, c)
			}
		}
		if failed := p.Project(t.Context(), last); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
}

// grow adds a commit and projects it, again if that fails, as the stream would have it done.
func grow(t *testing.T, s es.Store, p *projection.Projector, tip es.Tip, name string) es.Tip {
	pending, err := next(tip, name, 1)
	if err == nil {
		err = s.Append(t.Context(), pending)
	}
	if err == nil {
		tip, err = tip.Follow(pending.Commit())
	}
	if err != nil {
		t.Error(err)
		return tip
	}
	for range 10 {
		failed := p.Project(t.Context(), []es.Commit{pending.Commit()})
		if len(failed) == 0 {
			return tip
		}
		t.Log("delivered again:", failed)
	}
	t.Errorf("%s is not projected", tip.Stream())
	return tip
}

// compareRows compares the rows of two generations with each other and with the streams.
func compareRows(t *testing.T, r projection.Rows, tips []es.Tip) {
	t.Helper()
	for _, tip := range tips {
		var rows [2]counted
		var stored [2]projection.Row
		for g := range rows {
			var err error
			if stored[g], err = r.Load(t.Context(), projection.Key{View: "counts", Generation: g + 1, ID: tip.Stream().ID()}, &rows[g], true); err != nil {
				t.Fatal(err)
			}
		}
		if rows[0] != rows[1] || stored[0] != stored[1] || stored[0].Version != tip.Version() || rows[0].Events != int(tip.Version()) {
			t.Errorf("%s has the rows %+v, its version is %d", tip.Stream(), rows, tip.Version())
		}
	}
}
