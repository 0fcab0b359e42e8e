package projection_test

import (
	"context"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
)

// names is a view of the last name that was given to each account.
var names = projection.View[string]{Name: "names", Category: "user", Apply: func(_ string, e es.Recorded) string { return nameOf(e) }}

func TestWhatIsCountedIsRowsAsTheyAreCreatedAndHowLateViewsAre(t *testing.T) {
	now := estest.Now
	store, memory, sums := new(estest.Memory), new(projectiontest.Memory), new(statstest.Memory)
	p := &projection.Projector{
		Store: store, Rows: memory, Parked: memory, Generations: memory, Parallel: 1,
		Projections: []projection.Projection{&names, projection.Rebuilds}, Now: func() time.Time { return now },
	}
	recorder := &stats.Recorder{Store: sums, Function: "projector", Now: p.Now}
	reader := &stats.Reader{Store: sums, Functions: []string{"projector"}}
	expect := func(what string, do func(context.Context) error, projected, live, next int64, last, longest float64) {
		t.Helper()
		ctx, record := stats.Begin(t.Context())
		if err := do(ctx); err != nil {
			t.Fatal(err)
		}
		recorder.Add(record, now)
		if err := recorder.StoreAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := reader.Rows(t.Context())
		if err != nil || rows.Of("names", 1) != live || rows.Of("names", 2) != next {
			t.Errorf("%s: rows %v, error %v", what, rows, err)
		}
		sum, err := reader.Summary(t.Context(), estest.Now, now)
		if err != nil || sum.Projected != projected || len(sum.Lag) != 1 || sum.Lag[0].Last != last || sum.Lag[0].Max != longest {
			t.Errorf("%s: %d projected, lag %+v, error %v", what, sum.Projected, sum.Lag, err)
		}
	}
	project := func(commits ...es.Commit) func(context.Context) error {
		return func(ctx context.Context) error {
			for _, err := range p.Project(ctx, commits) {
				return err
			}
			return nil
		}
	}
	write := func(id string) es.Commit {
		t.Helper()
		if _, err := (&es.Executor{Repository: es.Repository{Store: store}, Now: p.Now}).Execute(t.Context(), es.Meta{CommandID: now.String()}, nil, estest.Plain.On(id, estest.Give(now.String()))); err != nil {
			t.Fatal(err)
		}
		for c, err := range store.Read(t.Context(), es.NewStream("user", id), es.Range{Backward: true, Limit: 1}) {
			if err == nil {
				return c
			}
			t.Fatal(err)
		}
		panic("nothing was written")
	}
	a1, b1 := write("a"), write("b")
	now = now.Add(time.Second)
	a2 := write("a")
	now = now.Add(30 * time.Millisecond)
	expect("three commits", project(a1, b1, a2), 3, 2, 0, 1030, 2048)
	now = now.Add(time.Hour)
	expect("all again", project(a1, b1, a2), 6, 2, 0, 1030, 2048)
	memory.Now = p.Now
	rebuilder := &projection.Rebuilder{
		Projector: p, Scanner: store, Parts: memory, Queue: memory,
		Executor: &es.Executor{Repository: es.Repository{Store: store}, Now: p.Now},
	}
	expect("a rebuild", func(ctx context.Context) error {
		if _, err := rebuilder.Start(ctx, es.Meta{CommandID: "start"}, nil, "names"); err != nil {
			return err
		}
		// One that was there goes on before the rebuild comes to it, and another one begins.
		if err := project(write("a"), write("d"))(ctx); err != nil {
			return err
		}
		for part := range projection.Parts {
			if err := rebuilder.Do(ctx, projection.Task{Do: projection.Build, View: "names", Part: part}, now.Add(time.Hour)); err != nil {
				return err
			}
		}
		return nil
	}, 8, 3, 1, 0, 2048)
	var rebuilt int64
	parts, err := memory.LoadParts(t.Context(), "names", 2)
	for _, p := range parts {
		rebuilt += p.Rows
	}
	if err != nil || rebuilt != 2 {
		t.Errorf("the rebuild has %d rows, error %v", rebuilt, err)
	}

	c1 := write("c")
	now = now.Add(5 * time.Millisecond)
	expect("a commit to both generations", project(c1), 9, 4, 2, 5, 2048)
	a4 := write("a")
	now = now.Add(7 * time.Millisecond)
	expect("a commit to rows that are there", project(a4), 10, 4, 2, 7, 2048)
}
