package projection_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
)

func TestAPanicAnywhereInAProjectionParksOnePairAndTellsNothingPersonal(t *testing.T) {
	apply := func(_ string, e es.Recorded) string { return nameOf(e) }
	for name, broken := range map[string]projection.Projection{
		"apply": &projection.View[string]{Name: "broken", Category: "user", Apply: func(_ string, e es.Recorded) string { panic("no name like " + nameOf(e)) }},
		"lists": &projection.View[string]{Name: "broken", Category: "user", Apply: apply, Lists: [projection.Lists]func(string) projection.Place{
			func(s string) projection.Place { return projection.Place{Partition: "all", Sort: s[:100]} },
		}},
		"count":     &projection.Tally[string]{Name: "broken", Category: "user", Apply: apply, Count: func(s string) map[string]map[string]int64 { panic(s) }},
		"snapshots": projection.Snapshots(panicking{}),
	} {
		p, memory, commits := parking(t, nil, "ada")
		p.Projections = append(p.Projections, broken)
		ctx, record := stats.Begin(t.Context())
		if failed := p.Project(ctx, commits); len(failed) > 0 {
			t.Errorf("%s: %v", name, failed)
		}
		var log bytes.Buffer
		record.Log(ctx, slog.New(slog.NewJSONHandler(&log, nil)), stats.Run{}, false)
		if told := strings.Contains(log.String(), "parked for broken"); told != (name != "snapshots") || strings.Contains(log.String(), "ada") {
			t.Errorf("%s is logged as %s", name, &log)
		}
		var row string
		if stored, err := memory.Load(t.Context(), projection.Key{View: "last", Generation: 1, ID: "1"}, &row, true); err != nil || stored.Version != 1 {
			t.Errorf("%s: the other view has %+v, error %v", name, stored, err)
		}
		for _, n := range notes(t, memory) {
			if n.View != "broken" || n.Version != 1 || strings.Contains(n.Error, "ada") {
				t.Errorf("%s: parked %+v", name, n)
			}
		}
		if parked := len(notes(t, memory)); parked != 1 && name != "snapshots" || parked != 0 && name == "snapshots" {
			t.Errorf("%s: %d are parked", name, parked)
		}
	}
}

// panicking is a snapshotter that panics.
type panicking struct{ es.Snapshotter }

func (panicking) Category() string { return "user" }

func TestARowOfAnotherShapeIsFoldedAnew(t *testing.T) {
	p, memory, commits := parking(t, nil, "a", "b", "c")
	key := projection.Key{View: "last", Generation: 1, ID: "1"}
	if failed := p.Project(t.Context(), commits[:2]); len(failed) > 0 {
		t.Fatal(failed)
	}
	type row struct{ Names []string }
	apply := func(r row, e es.Recorded) row { return row{append(r.Names[:len(r.Names):len(r.Names)], nameOf(e))} }
	reshaped := projection.View[row]{Name: "last", Category: "user", Apply: apply}
	p.Projections = []projection.Projection{&reshaped}
	reader := &projection.Reader{Store: p.Store, Rows: memory, Generations: memory, Now: p.Now}
	if got, version, ok, err := reshaped.Get(t.Context(), reader, "1", es.Moment{}); err != nil || !ok || version != 3 || fmt.Sprint(got.Names) != "[a b c]" {
		t.Errorf("read before it is folded: %v %d %v, error %v", got, version, ok, err)
	}
	for _, again := range [][]es.Commit{commits[:1], commits[2:]} {
		if failed := p.Project(t.Context(), again); len(failed) > 0 {
			t.Fatal(failed)
		}
		var got row
		if stored, err := memory.Load(t.Context(), key, &got, true); err != nil || len(got.Names) != int(stored.Version) {
			t.Errorf("the row is %+v %v, error %v", stored, got, err)
		}
	}
	if all := notes(t, memory); len(all) > 0 {
		t.Errorf("parked: %+v", all)
	}
}

func TestATallyOfAnotherShapeIsParkedUntilItIsRebuilt(t *testing.T) {
	p, memory, commits := parking(t, nil, "a", "b")
	tally := func(name string) map[string]map[string]int64 { return map[string]map[string]int64{"all": {"names": 1}} }
	p.Projections = []projection.Projection{&projection.Tally[string]{Name: "last", Category: "user", Count: tally, Apply: func(_ string, e es.Recorded) string { return nameOf(e) }}}
	if failed := p.Project(t.Context(), commits[:1]); len(failed) > 0 {
		t.Fatal(failed)
	}
	type row struct{ Name string }
	p.Projections = []projection.Projection{&projection.Tally[row]{Name: "last", Category: "user",
		Count: func(r row) map[string]map[string]int64 { return tally(r.Name) },
		Apply: func(_ row, e es.Recorded) row { return row{nameOf(e)} }}}
	if failed := p.Project(t.Context(), commits); len(failed) > 0 {
		t.Errorf("it blocks the stream: %v", failed)
	}
	all := notes(t, memory)
	if len(all) != 1 || !strings.Contains(all[0].Error, "rebuild") {
		t.Fatalf("parked: %+v", all)
	}
	if still, err := p.Redrive(t.Context(), all[0]); !still || err != nil {
		t.Errorf("redriven: still parked %v, error %v", still, err)
	}
}

func TestAPanicInACommandParksWhatItReactsTo(t *testing.T) {
	o := newOffice(t)
	o.projector.Projections = []projection.Projection{&projection.Reactor[int]{
		Name: "office", Category: "user", Triggers: []projection.Trigger{{Event: events.UserNameChanged{}, Since: estest.Now}},
		React: func(e es.Recorded) []projection.Reaction {
			return []projection.Reaction{{Deadline: &projection.Deadline{At: e.At}}, {Command: journals.On(e.Stream.ID(), explodes{})}}
		},
		Apply: func(n int, _ es.Recorded) int { return n },
		Due: func(d projection.Deadline, _ int) []projection.Reaction {
			return []projection.Reaction{{Command: journals.On(d.Stream.ID(), explodes{})}}
		},
	}}
	o.deliver(o.happen("a", named("x")))
	if all := o.parked(); len(all) != 1 || all[0].Stream != "user#a" {
		t.Errorf("parked: %+v", all)
	}
	if answered, err := o.tick(o.now.Add(time.Minute)); answered != 1 || err != nil || len(o.parked()) != 2 {
		t.Errorf("its deadline: %d answered, error %v, parked %+v", answered, err, o.parked())
	}
}

// explodes is a command that cannot be decided.
type explodes struct{}

func (explodes) Decide(journal, time.Time) ([]events.Email, error) { panic("boom") }

func TestWhatADeadlineLeadsToIsDecidedOnce(t *testing.T) {
	o := newOffice(t)
	o.projector.Store, o.target = o.store, o.store
	o.projector.Executor.Store = o.store
	o.projector.Projections = []projection.Projection{&projection.Reactor[int]{
		Name: "office", Category: "user", Triggers: []projection.Trigger{{Event: events.UserNameChanged{}, Since: estest.Now}},
		React: func(e es.Recorded) []projection.Reaction {
			return []projection.Reaction{{Deadline: &projection.Deadline{At: e.At.Add(time.Hour)}}}
		},
		Apply: func(n int, _ es.Recorded) int { return n + 1 },
		Due: func(d projection.Deadline, n int) []projection.Reaction {
			if n > 1 {
				return nil // what the first reaction does to the stream
			}
			return []projection.Reaction{
				{Command: estest.Plain.On(d.Stream.ID(), estest.Give("expired"))},
				{Command: estest.Plain.On("another", estest.Give("told"))},
			}
		},
	}}
	o.deliver(o.happen("a", named("x")))
	o.now = o.now.Add(time.Hour)
	o.store.Fail(estest.None, estest.Before, estest.Before, estest.Before) // the second command fails, with all its tries
	if answered, err := o.tick(o.now.Add(time.Minute)); answered != 0 || !errors.Is(err, es.ErrUnavailable) {
		t.Fatalf("%d answered, error %v", answered, err)
	}
	if answered, err := o.tick(o.now.Add(time.Minute)); answered != 1 || err != nil {
		t.Fatalf("later: %d answered, error %v", answered, err)
	}
	for id, want := range map[string]string{"a": "[x expired]", "another": "[told]"} {
		if f, err := estest.Plain.Load(t.Context(), &es.Repository{Store: o.store}, id); err != nil || fmt.Sprint([]string(f.State)) != want {
			t.Errorf("%s: %v, error %v", id, f.State, err)
		}
	}
}
