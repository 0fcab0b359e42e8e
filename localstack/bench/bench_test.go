package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/stats"
)

func BenchmarkEvolve(b *testing.B)     { evolve(b) }
func BenchmarkFoldStored(b *testing.B) { foldStored(b) }

// look is a command that is refused and shows the state it was decided on last.
type look struct{ seen *auth.User }

func (l look) Decide(u auth.User, _ time.Time) ([]events.Auth, error) {
	*l.seen = u
	return nil, errRefused
}

func see(ctx context.Context, t *testing.T, p process, id string) (u auth.User) {
	t.Helper()
	if err := p.execute(ctx, warmUp, id, look{&u}); !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	return u
}

type grant string

func (g grant) Decide(auth.User, time.Time) ([]events.Auth, error) {
	return []events.Auth{events.UserRoleGranted{Role: string(g)}}, nil
}

func start(t *testing.T) *engine {
	e, err := startEngine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.server.Stop)
	return e
}

func TestEveryDesignFoldsStoredHistoriesToTheSameState(t *testing.T) {
	e := start(t)
	for _, n := range []int{1, 10, 16, 17, 45} {
		id := idOf("test", n)
		var want auth.User
		for i := range n {
			want = want.Evolve(happening(id, i))
		}
		for _, d := range designs {
			if err := e.fill(t.Context(), d, id, n); err != nil {
				t.Fatal(err)
			}
			if got := see(t.Context(), t, d.start(e.client()), id); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %d events: got %+v, want %+v", d.name, n, got, want)
			}
		}
	}
}

func TestNoDesignLosesOrDoublesWhatTwoWarmProcessesDoInTurn(t *testing.T) {
	e := start(t)
	for _, d := range designs {
		id := idOf("test", 0)
		one, other := d.start(e.client()), d.start(e.client())
		if err := one.create(t.Context(), 1, id, true); err != nil {
			t.Fatal(err)
		}
		request := 1
		do := func(p process, c command) {
			request++
			if err := p.execute(t.Context(), request, id, c); err != nil {
				t.Fatalf("%s: request %d: %v", d.name, request, err)
			}
		}
		want := []string{"a", "b", "c", "d", "e", "f", "g"}
		for i, role := range want {
			p := []process{one, other}[i%2]
			do(p, grant(role))
			do(p, change(3))
			if version := 1 + 4*(i+1); version == newestFirst+1 {
				if err := p.snapshot(t.Context(), id, newestFirst); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := see(t.Context(), t, d.start(e.client()), id).Roles; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got roles %v, want %v", d.name, got, want)
		}
	}
}

func TestTheReportFailsIfLoadsWithSnapshotsGrowWithTheirStreams(t *testing.T) {
	r := report{Folds: []foldRow{{EventsPerS: 1e6}}}
	for range lengths {
		r.Loads = append(r.Loads, loadRow{With: sample{Took: 10 * time.Millisecond}})
	}
	if err := r.judge(); err != nil {
		t.Errorf("all holds, and the report says %v", err)
	}
	r.Loads[len(r.Loads)-1].With.Took = 16 * time.Millisecond
	if r.judge() == nil {
		t.Error("the longest load took 1.6 times as long, and the report does not mind")
	}
}

func TestThePlotIsWellFormedAndShowsBothLines(t *testing.T) {
	drawn := string(draw([]loadRow{
		{10, sample{Took: time.Millisecond}, sample{Took: time.Millisecond}},
		{100_000, sample{Took: time.Millisecond}, sample{Took: 8 * time.Second}},
	}))
	d := xml.NewDecoder(strings.NewReader(drawn))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(drawn, "<polyline"); n != 2 {
		t.Errorf("%d lines are drawn, want 2", n)
	}
}

func TestAnnalsTakesSnapshotsAsOftenAsTheBenchmarkSays(t *testing.T) {
	e := start(t)
	requests := func(id string) int {
		ctx, record := stats.Begin(t.Context())
		see(ctx, t, designs[0].start(e.client()), id)
		return record.Cost().RoundTrips
	}
	covered := 10 * newestFirst
	if err := e.fill(t.Context(), designs[0], "in time", covered+newestFirst-1); err != nil {
		t.Fatal(err)
	}
	if n := requests("in time"); n != 2 {
		t.Errorf("with a snapshot that is %d events old a load took %d requests, want 2", newestFirst-1, n)
	}
	p := designs[0].start(e.client())
	for i := range 2 {
		if err := p.execute(t.Context(), firstRequest+i, "in time", change(1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := requests("in time"); n != 3 {
		t.Errorf("with a snapshot that is %d events old a load took %d requests, want 3", newestFirst+1, n)
	}
}
