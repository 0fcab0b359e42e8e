package dynamo_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/stats"
)

// What the projector stores grows with the number of views: 150 bytes each, of 1 KB a unit.
func TestStoringSumsCostsOneWriteUnitAndMoreWithManyViews(t *testing.T) {
	for views, want := range map[int]float64{0: 1, 4: 1, 10: 2, 15: 3} {
		r := &stats.Recorder{Store: &dynamo.Stats{Client: client(), Table: "annals-stats"}, Function: fmt.Sprint("budget-", views), Now: now}
		for i := range 10_000 {
			_, record := stats.Begin(t.Context())
			record.Used(stats.Cost{RoundTrips: 3, ReadUnits: 12.5, WriteUnits: 7})
			record.Conflict()
			if views == 0 {
				record.Answered(true, []int{200, 422, 503}[i%3], i%2 == 0)
			}
			record.Projected(100)
			for v := range views {
				record.Lagged(fmt.Sprint("a view ", v), 20*time.Millisecond<<(i%6)) // 20 to 640 ms
			}
			r.Add(record, estest.Now.Add(-time.Millisecond<<(i%11))) // 1 to 1,024 ms
		}
		if err := r.StoreAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, record := stats.Begin(t.Context())
		if err := r.Store.Add(ctx, stats.Key{Part: r.Function, Period: "2026-01-02T03"}, stats.Sums{Added: map[string]float64{"reads": 1}}, estest.Now); err != nil {
			t.Fatal(err)
		}
		if got := record.Cost(); got != (stats.Cost{RoundTrips: 1, WriteUnits: want}) {
			t.Errorf("with %d views: %+v, want %v write units", views, got, want)
		}
	}
}

func TestAnAppendThatLosesIsCountedAsAConflict(t *testing.T) {
	sums := &dynamo.Stats{Client: client(), Table: "annals-stats"}
	r := &stats.Recorder{Store: sums, Function: "conflicts", Now: now}
	s := store()
	ctx, record := stats.Begin(t.Context())
	for _, name := range []string{"first", "second", "third"} {
		s.Append(ctx, named(t, "user#conflicting", name))
	}
	r.Add(record, estest.Now)
	if err := r.StoreAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum, err := (&stats.Reader{Store: sums, Functions: []string{"conflicts"}}).Summary(t.Context(), estest.Now, estest.Now)
	if err != nil || sum.Conflicts != 2 || sum.Capacity[0].RoundTrips != 3 || sum.Capacity[0].WriteUnits != 1 {
		t.Errorf("%+v, error %v", sum, err)
	}
}
