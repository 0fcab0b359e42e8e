package stats_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
)

func TestMemoryKeepsTheContract(t *testing.T) { statstest.StoreContract(t, new(statstest.Memory)) }

// instance is one instance of a function, whose clock is its own.
type instance struct {
	stats.Recorder
	store *statstest.Memory
	now   time.Time
}

func newInstance(function string, store *statstest.Memory) *instance {
	i := &instance{store: store, now: time.Date(2026, 1, 2, 3, 59, 0, 0, time.UTC)}
	i.Recorder = stats.Recorder{Store: store, Function: function, Now: func() time.Time { return i.now }}
	return i
}

// invoke is an invocation that takes some time.
func (i *instance) invoke(took time.Duration, do func(*stats.Record)) {
	_, r := stats.Begin(context.Background())
	begun := i.now
	i.now = begun.Add(took)
	do(r)
	i.Add(r, begun)
}

func (i *instance) summary(t *testing.T, hours int) stats.Summary {
	t.Helper()
	r := stats.Reader{Store: i.store, Functions: []string{"one", "two"}}
	sum, err := r.Summary(t.Context(), i.now.Add(-time.Duration(hours)*time.Hour), i.now)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func command(status int, replay bool) func(*stats.Record) {
	return func(r *stats.Record) { r.Answered(true, status, replay) }
}

func TestASummaryTellsWhatAllFunctionsDid(t *testing.T) {
	store := new(statstest.Memory)
	one, two := newInstance("one", store), newInstance("two", store)
	for range 98 {
		one.invoke(10*time.Millisecond, command(200, false))
	}
	one.invoke(900*time.Millisecond, func(r *stats.Record) {
		r.Conflict()
		r.Conflict()
		r.Used(stats.Cost{RoundTrips: 3, ReadUnits: 0.5, WriteUnits: 2})
		r.Answered(true, 201, true)
	})
	one.invoke(900*time.Millisecond, command(422, false))
	one.invoke(time.Millisecond, command(503, false))
	two.invoke(time.Millisecond, func(r *stats.Record) {
		r.Answered(false, 404, false)
		r.Used(stats.Cost{RoundTrips: 1, ReadUnits: 1})
	})
	two.invoke(time.Millisecond, func(r *stats.Record) {
		r.Projected(3)
		r.Created("users", 1)
		r.Created("users", 1)
		r.Created("users", 2)
		r.Lagged("users", 40*time.Millisecond)
		r.Lagged("users", 2*time.Second)
	})
	for _, i := range []*instance{one, two} {
		if err := i.StoreAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := one.summary(t, 0)
	for name, c := range map[string][2]int64{
		"commands": {got.Commands, 101}, "accepted": {got.Accepted, 99}, "refused": {got.Refused, 1}, "failed": {got.Failed, 1},
		"conflicts": {got.Conflicts, 2}, "replays": {got.Replays, 1}, "reads": {got.Reads, 1}, "projected": {got.Projected, 3},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: got %d, want %d", name, c[0], c[1])
		}
	}
	if l := got.Latency; l.P50 < 8 || l.P50 > 16 || l.P99 < 512 || l.P99 > 1024 || l.Max != 1024 {
		t.Errorf("latency %+v", l)
	}
	if l := got.Lag; len(l) != 1 || l[0].View != "users" || l[0].Last != 2000 || l[0].Max != 2048 || l[0].P50 < 32 || l[0].P50 > 64 || !l[0].At.Equal(two.now.Truncate(time.Millisecond)) {
		t.Errorf("lag %+v", l)
	}
	if want := []stats.Capacity{{Function: "one", ReadUnits: 0.5, WriteUnits: 2, RoundTrips: 3}, {Function: "two", ReadUnits: 1, RoundTrips: 1}}; !reflect.DeepEqual(got.Capacity, want) {
		t.Errorf("capacity %+v", got.Capacity)
	}
	rows, err := (&stats.Reader{Store: store}).Rows(t.Context())
	if err != nil || rows.Of("users", 1) != 2 || rows.Of("users", 2) != 1 || rows.Of("users", 3) != 0 {
		t.Errorf("rows %v, error %v", rows, err)
	}
}

func TestASummaryIsOfItsHoursOnly(t *testing.T) {
	i := newInstance("one", new(statstest.Memory))
	for range 3 {
		i.invoke(time.Second, command(200, false))
		i.now = i.now.Add(time.Hour)
	}
	if err := i.StoreAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	for hours, want := range map[int]int64{0: 0, 1: 1, 2: 2, 3: 3, 9: 3} {
		if got := i.summary(t, hours).Commands; got != want {
			t.Errorf("in the last %d hours: %d commands, want %d", hours, got, want)
		}
	}
}

func TestNumbersAreStoredOnceInTenSeconds(t *testing.T) {
	i := newInstance("one", new(statstest.Memory))
	for range 30 {
		i.invoke(time.Second, command(200, false))
		if err := i.StoreDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := i.store.Adds(); n != 3 {
		t.Errorf("stored %d times in 30 seconds, want 3", n)
	}
	i.now = i.now.Add(time.Hour)
	for range 2 {
		if err := i.StoreAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n, got := i.store.Adds(), i.summary(t, 9).Commands; n != 4 || got != 30 {
		t.Errorf("%d commands, stored %d times", got, n)
	}
}

func TestWhatCouldNotBeStoredIsStoredLater(t *testing.T) {
	i := newInstance("one", new(statstest.Memory))
	i.store.Fail(true)
	for range 2 {
		i.invoke(time.Second, func(r *stats.Record) {
			r.Answered(true, 200, false)
			r.Created("users", 1)
			r.Lagged("users", time.Second)
		})
		if err := i.StoreAll(t.Context()); !errors.Is(err, statstest.ErrInjected) {
			t.Fatalf("got %v", err)
		}
	}
	i.store.Fail(false)
	i.invoke(time.Second, func(r *stats.Record) { r.Answered(true, 200, false); r.Lagged("users", 3*time.Second) })
	if err := i.StoreAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := (&stats.Reader{Store: i.store}).Rows(t.Context())
	if got := i.summary(t, 1); err != nil || got.Commands != 3 || got.Lag[0].Last != 3000 || rows.Of("users", 1) != 2 {
		t.Errorf("%+v, rows %v, error %v", got, rows, err)
	}
}

func TestTheCostOfStoringIsCounted(t *testing.T) {
	i := newInstance("one", new(statstest.Memory))
	i.Store = expensive{i.store}
	for range 2 {
		i.invoke(time.Second, command(200, false))
		if err := i.StoreAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := i.summary(t, 1).Capacity[0]; got.WriteUnits != 1 || got.RoundTrips != 1 {
		t.Errorf("%+v", got)
	}
}

// expensive is a store whose writes cost something.
type expensive struct{ *statstest.Memory }

func (e expensive) Add(ctx context.Context, k stats.Key, s stats.Sums, expires time.Time) error {
	stats.From(ctx).Used(stats.Cost{RoundTrips: 1, WriteUnits: 1})
	return e.Memory.Add(ctx, k, s, expires)
}

func TestQuantilesAreWithinTheirBucket(t *testing.T) {
	for _, d := range []time.Duration{0, 1, time.Millisecond, time.Millisecond + 1, 2 * time.Millisecond, 3 * time.Millisecond, time.Second, 1024 * time.Millisecond, time.Hour, 1000 * time.Hour} {
		i := newInstance("one", new(statstest.Memory))
		i.invoke(d, command(200, false))
		if err := i.StoreAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, ms := i.summary(t, 9).Latency, float64(d)/float64(time.Millisecond)
		if ms > 1<<27 {
			ms = 1 << 27
		}
		if got.P50 > got.P99 || got.P99 > got.Max || got.Max < ms || ms > 1 && (got.P50 < ms/2 || got.Max >= 2*ms && got.Max > 1) {
			t.Errorf("%v: %+v", d, got)
		}
	}
}

func TestARecordIsSharedByAllThatTakePart(t *testing.T) {
	ctx, r := stats.Begin(t.Context())
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			stats.From(ctx).Used(stats.Cost{RoundTrips: 1})
			stats.From(ctx).Created(fmt.Sprint(i%3), 1)
			stats.From(t.Context()).Used(stats.Cost{RoundTrips: 1}) // which is nobody's
		})
	}
	wg.Wait()
	if got := r.Cost().RoundTrips; got != 50 {
		t.Errorf("%d round trips", got)
	}
}
