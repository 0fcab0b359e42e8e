package dynamo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/stats"
)

// last is an aggregate whose state does not grow: the last name.
type last struct{ Name string }

func (l last) Evolve(e events.Auth) last {
	if e, ok := e.(events.UserNameChanged); ok {
		l.Name = e.New
	}
	return l
}

type rename string

func (r rename) Decide(l last, _ time.Time) ([]events.Auth, error) {
	if r == "forbidden" {
		return nil, estest.ErrForbidden
	}
	return []events.Auth{events.UserNameChanged{Old: l.Name, New: string(r)}}, nil
}

var lasts = es.Aggregate[last, events.Auth]{Category: "user", Reducer: 1}

// process is what one function has: a repository with a cache of its own, empty at first.
func process() *es.Executor {
	c := client()
	return &es.Executor{
		Repository: es.Repository{
			Store:     &dynamo.Store{Client: c, Table: eventsTable},
			Snapshots: &dynamo.Snapshots{Client: c, Table: "annals-snapshots"},
			Cache:     es.NewCache(1 << 20),
		},
		Now: func() time.Time { return estest.Now },
	}
}

// request is the meta of a request as clients send them, with all its circumstances.
func request(n int) es.Meta {
	id := func(kind string) string { return es.DeriveID(kind, fmt.Sprint(n)) }
	return es.Meta{CommandID: id("command"), Fingerprint: []byte("0123456789abcdef"), CorrelationID: id("correlation"), Actor: id("actor"),
		Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
}

func do(ctx context.Context, t *testing.T, x *es.Executor, n int, step es.Step) {
	t.Helper()
	if _, err := x.Execute(ctx, request(n), nil, step); err != nil {
		t.Fatal(err)
	}
}

// fill makes a stream of so many events, with its snapshots as the projector makes them.
func fill(t *testing.T, id string, n int) {
	t.Helper()
	store := store()
	var newest []es.Commit
	tip := es.StartOf(es.NewStream("user", id))
	for i := 0; i < n; {
		// A few events in each commit, so that long streams are made in little time.
		more := []events.Event{}
		for range min(max(n-i-200, 0), 99) {
			more = append(more, events.UserNameChanged{Old: "before", New: "after"})
		}
		p, err := tip.Next(request(i), estest.Now, events.UserNameChanged{Old: "Augusta Ada King-Noel, Countess of Lovelace", New: fmt.Sprint("Ada Lovelace, the first programmer, number ", i)}, more...)
		if err == nil {
			err = store.Append(t.Context(), p)
		}
		if err == nil {
			tip, err = tip.Follow(p.Commit())
		}
		if err != nil {
			t.Fatal(err)
		}
		i += 1 + len(more)
		newest = append(newest, p.Commit())
	}
	snapshots := lasts.Snapshotter(&process().Repository)
	for _, c := range newest[max(0, len(newest)-16):] {
		if err := snapshots.Snapshot(t.Context(), c.Stream, []es.Commit{c}); err != nil {
			t.Fatal(err)
		}
	}
}

// The budgets of the design, in round trips and capacity units, as the database counts them.
func TestCommandsStayWithinTheirBudgets(t *testing.T) {
	fill(t, "budget-short", 3)
	fill(t, "budget-long", 10_000)
	warm := process()
	do(t.Context(), t, warm, 1_000_000, lasts.On("budget-short", rename("warm up")))
	forbidden := func(x *es.Executor, id string) func(context.Context) error {
		return func(ctx context.Context) error {
			if _, err := x.Execute(ctx, request(-1), nil, lasts.On(id, rename("forbidden"))); err != estest.ErrForbidden {
				return fmt.Errorf("got %v, want a refusal", err)
			}
			return nil
		}
	}
	n := 1_000_000
	accepted := func(x *es.Executor, step es.Step) func(context.Context) error {
		return func(ctx context.Context) error { n++; do(ctx, t, x, n, step); return nil }
	}
	for _, c := range []struct {
		name  string
		do    func(context.Context) error
		limit stats.Cost
	}{
		{"creation", accepted(process(), lasts.New("budget-new", rename("x"))), stats.Cost{RoundTrips: 1, WriteUnits: 1}},
		{"creation with a claim", accepted(process(), estest.Unique.New("budget-unique", estest.Give("budget"))), stats.Cost{RoundTrips: 1, WriteUnits: 4}},
		{"warm, accepted", accepted(warm, lasts.On("budget-short", rename("x"))), stats.Cost{RoundTrips: 1, WriteUnits: 1}},
		{"warm, refused", forbidden(warm, "budget-short"), stats.Cost{RoundTrips: 1, ReadUnits: 1}},
		{"cold on 4 KB, accepted", accepted(process(), lasts.On("budget-short", rename("y"))), stats.Cost{RoundTrips: 2, ReadUnits: 1, WriteUnits: 1}},
		{"cold on 10,000 events, accepted", accepted(process(), lasts.On("budget-long", rename("x"))), stats.Cost{RoundTrips: 3, ReadUnits: 3, WriteUnits: 1}},
		{"cold on 10,000 events, refused", forbidden(process(), "budget-long"), stats.Cost{RoundTrips: 2, ReadUnits: 3}},
	} {
		ctx, record := stats.Begin(t.Context())
		if err := c.do(ctx); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		used := record.Cost()
		t.Logf("%-32s %d requests, %v read units, %v write units", c.name, used.RoundTrips, used.ReadUnits, used.WriteUnits)
		if used.RoundTrips > c.limit.RoundTrips || used.ReadUnits > c.limit.ReadUnits || used.WriteUnits != c.limit.WriteUnits {
			t.Errorf("%s used %+v, the budget is %+v", c.name, used, c.limit)
		}
	}
}

func TestASnapshotNeverMovesBackwards(t *testing.T) {
	s := &dynamo.Snapshots{Client: client(), Table: "annals-snapshots"}
	at := func(stream es.Stream, reducer int, version es.Version) es.Snapshot {
		made := es.Snapshot{Stream: stream, Version: version, At: estest.Now, Reducer: reducer, State: []byte(`{}`), Recent: []byte{}}
		made.Hash = made.ComputeHash()
		return made
	}
	estest.SnapshotContract(t, s, at)
	for name, spoil := range map[string]func(*es.Snapshot){
		"another state":    func(s *es.Snapshot) { s.State = []byte(`{"Name":"forged"}`) },
		"a higher version": func(s *es.Snapshot) { s.Version = 99 },
		"another hash":     func(s *es.Snapshot) { s.Hash[0]++ },
	} {
		stream := es.NewStream("user", "damaged "+name)
		damaged := at(stream, 1, 9)
		spoil(&damaged)
		if err := s.Save(t.Context(), damaged, es.Hash{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context(), at(stream, 1, 3), es.Hash{}); err != nil {
			t.Errorf("%s: a damaged snapshot is not replaced: %v", name, err)
		}
		if got, ok, err := s.Load(context.Background(), stream); err != nil || !ok || got.Version != 3 {
			t.Errorf("%s: got %+v, %v, error %v", name, got, ok, err)
		}
	}
}
