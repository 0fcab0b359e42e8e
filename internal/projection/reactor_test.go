package projection_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// office is one reactor with everything that it needs. It notes every name in the person's
// journal, and sets a deadline an hour later for whoever is named "later".
type office struct {
	t         *testing.T
	store     *estest.Memory
	target    *estest.Memory // where journals are
	memory    *projectiontest.Memory
	projector *projection.Projector
	refused   bool // what is noted of "forbidden"
	outside   *outside
	calls     []string // outside, by their keys, in order
	now       time.Time
	loads     atomic.Int64
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, store: new(estest.Memory), target: new(estest.Memory), memory: new(projectiontest.Memory), now: estest.Now}
	o.outside = &outside{called: func(key string) { o.calls = append(o.calls, key) }}
	note := func(s es.Stream, entry, name string) projection.Reaction {
		w := write{entry, new(bool)}
		if name == "forbidden" {
			w.refused = &o.refused
		}
		return projection.Reaction{Command: journals.On(s.ID(), w)}
	}
	o.projector = &projection.Projector{
		Store: o.store, Rows: counting{o.memory, o}, Parked: o.memory, Deadlines: o.memory,
		Executor: &es.Executor{Repository: es.Repository{Store: o.target}, Now: o.clock}, Now: o.clock,
		Projections: []projection.Projection{&projection.Reactor[int]{
			Name: "office", Category: "user",
			Triggers: []projection.Trigger{{Event: events.UserNameChanged{}, Since: estest.Now}},
			React: func(e es.Recorded) []projection.Reaction {
				name := e.Event.(events.UserNameChanged).New
				all := []projection.Reaction{note(e.Stream, fmt.Sprint(e.Version, " ", name), name)}
				if name == "later" {
					all = append(all, projection.Reaction{Deadline: &projection.Deadline{Name: e.Event.(events.UserNameChanged).Old, At: e.At.Add(time.Hour)}})
				}
				if name == "call" {
					all = append(all, projection.Reaction{Effect: call{o.outside, func() projection.Reaction {
						return note(e.Stream, fmt.Sprint(e.Version, " called"), "")
					}}})
				}
				return all
			},
			Apply: func(n int, _ es.Recorded) int { return n + 1 },
			Due: func(d projection.Deadline, n int) []projection.Reaction {
				if d.Name == "call" {
					return []projection.Reaction{{Effect: call{o.outside, func() projection.Reaction {
						return note(d.Stream, fmt.Sprint(d.Version, " called when due"), "")
					}}}}
				}
				return []projection.Reaction{note(d.Stream, fmt.Sprintf("%d %s of %d", d.Version, d.Name, n), d.Name)}
			},
		}},
	}
	return o
}

// outside is somebody who is called, and may fail before a call has taken effect and after.
type outside struct {
	called func(key string)
	fail   func(after bool) error
}

// call is a call to somebody outside that is recorded afterwards.
type call struct {
	outside *outside
	record  func() projection.Reaction
}

// Perform implements [projection.Effect].
func (c call) Perform(_ context.Context, key string) ([]projection.Reaction, error) {
	for _, after := range []bool{false, true} {
		if c.outside.fail != nil {
			if err := c.outside.fail(after); err != nil {
				return nil, err
			}
		}
		if !after {
			c.outside.called(key)
		}
	}
	return []projection.Reaction{c.record()}, nil
}

func (o *office) clock() time.Time { return o.now }

// counting counts what checkpoints cost.
type counting struct {
	projection.Rows
	o *office
}

func (c counting) Load(ctx context.Context, k projection.Key, into any, consistent bool) (projection.Row, error) {
	c.o.loads.Add(1)
	return c.Rows.Load(ctx, k, into, consistent)
}

// happen stores a commit at the end of a person's stream.
func (o *office) happen(person string, first events.Event, more ...events.Event) es.Commit {
	o.t.Helper()
	tip := es.StartOf(es.NewStream("user", person))
	for c, err := range o.store.Read(o.t.Context(), tip.Stream(), es.Range{}) {
		if err == nil {
			tip, err = tip.Follow(c)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
	p, err := tip.Next(es.Meta{CommandID: fmt.Sprint("of ", tip.Version()), CorrelationID: "correlation", Trace: "trace"}, o.now, first, more...)
	if err == nil {
		err = o.store.Append(o.t.Context(), p)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return p.Commit()
}

func named(name string) events.Event { return events.UserNameChanged{New: name} }

// later sets a deadline with a name.
func later(name string) events.Event { return events.UserNameChanged{Old: name, New: "later"} }

func (o *office) deliver(commits ...es.Commit) {
	o.t.Helper()
	if failed := o.projector.Project(o.t.Context(), commits); len(failed) > 0 {
		o.t.Fatal(failed)
	}
}

func (o *office) tick(until time.Time) (int, error) {
	return (&projection.Clock{Projector: o.projector}).Tick(o.t.Context(), until)
}

func (o *office) journal(person string) []string {
	o.t.Helper()
	f, err := journals.Load(o.t.Context(), &es.Repository{Store: o.target}, person)
	if err != nil {
		o.t.Fatal(err)
	}
	return f.State
}

func (o *office) expect(person string, want ...string) {
	o.t.Helper()
	if got := o.journal(person); !slices.Equal(got, want) {
		o.t.Errorf("the journal of %s has %q, want %q", person, got, want)
	}
}

func (o *office) parked() []projection.Parked {
	o.t.Helper()
	all, _, err := o.memory.ListParked(o.t.Context(), "", 100)
	if err != nil {
		o.t.Fatal(err)
	}
	return all
}

func (o *office) redrive() (still bool) {
	o.t.Helper()
	for _, p := range o.parked() {
		left, err := o.projector.Redrive(o.t.Context(), p)
		if err != nil {
			o.t.Fatal(err)
		}
		still = still || left
	}
	return still
}

func TestACommandTellsWhatItFollowsFrom(t *testing.T) {
	o := newOffice(t)
	o.deliver(o.happen("ada", named("Ada"), later("remind")))
	o.now = o.now.Add(time.Hour)
	if n, err := o.tick(o.now.Add(time.Minute)); n != 1 || err != nil {
		t.Fatalf("%d deadlines answered, error %v", n, err)
	}
	o.expect("ada", "1 Ada", "2 later", "2 remind of 2")
	ids := map[string]bool{}
	for c, err := range o.target.Read(t.Context(), "journal#ada", es.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids[c.CommandID] = true
		c.CommandID = ""
		if want := (es.Meta{CorrelationID: "correlation", CausationID: "of 0", Actor: "reactor:office", Trace: "trace"}); fmt.Sprint(c.Meta) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", c.Meta, want)
		}
	}
	if len(ids) != 3 || ids[""] {
		t.Errorf("three commands have the ids %v", ids)
	}
}

var errBusy = errors.New("busy")

func busy(bool) error { return errBusy }

func TestAnEffectIsPerformedAndWhatCameOfItIsRecorded(t *testing.T) {
	o := newOffice(t)
	c := o.happen("ada", named("call"), events.UserNameChanged{Old: "call", New: "later"})
	o.deliver(c)
	o.deliver(c)
	o.now = o.now.Add(time.Hour)
	if n, err := o.tick(o.now.Add(time.Minute)); n != 1 || err != nil {
		t.Fatalf("%d deadlines answered, error %v", n, err)
	}
	o.expect("ada", "1 call", "1 called", "2 later", "2 called when due")
	if len(o.calls) != 2 || o.calls[0] == o.calls[1] {
		t.Errorf("calls %q", o.calls)
	}
}

func TestAnEffectThatFailsInPassingHoldsUpNothingAndComesAgainWithItsKey(t *testing.T) {
	o := newOffice(t)
	o.outside.fail = func(after bool) error {
		if after {
			return errBusy // after it has taken effect
		}
		return nil
	}
	o.deliver(o.happen("ada", named("Ada"), named("call"), named("Grace")))
	o.expect("ada", "1 Ada", "2 call", "3 Grace")
	for _, wait := range []time.Duration{1, 1, 2, 4, 8, 16, 32, 60, 60} {
		o.now = o.now.Add(wait*time.Minute - time.Second)
		if n, err := o.tick(o.now.Add(time.Minute)); n != 0 || err != nil {
			t.Errorf("too early: %d answered, error %v", n, err)
		}
		o.now = o.now.Add(time.Second)
		if n, err := o.tick(o.now.Add(time.Minute)); n != 0 || !errors.Is(err, errBusy) {
			t.Errorf("still busy: %d answered, error %v", n, err)
		}
	}
	o.outside.fail = nil
	o.now = o.now.Add(time.Hour)
	if n, err := o.tick(o.now.Add(time.Minute)); n != 1 || err != nil {
		t.Errorf("%d answered, error %v", n, err)
	}
	if n, err := o.tick(o.now.Add(time.Minute)); n != 0 || err != nil {
		t.Errorf("once more: %d answered, error %v", n, err)
	}
	o.expect("ada", "1 Ada", "2 call", "3 Grace", "2 called")
	if keys := slices.Compact(o.calls); len(keys) != 1 {
		t.Errorf("keys %q", keys)
	}
}

func TestAnEffectThatHasFailedForADayIsParkedUntilARedrive(t *testing.T) {
	o := newOffice(t)
	o.outside.fail = busy
	o.deliver(o.happen("ada", named("call")))
	o.now = o.now.Add(24 * time.Hour)
	if n, err := o.tick(o.now.Add(time.Minute)); n != 1 || err != nil {
		t.Errorf("%d answered, error %v", n, err)
	}
	if got := o.parked(); len(got) != 1 || !strings.Contains(got[0].Error, "busy") {
		t.Fatalf("parked: %+v", got)
	}
	if _, err := o.projector.Redrive(t.Context(), o.parked()[0]); !errors.Is(err, errBusy) {
		t.Errorf("a redrive in vain: %v", err)
	}
	o.outside.fail = nil
	if o.redrive() || len(o.parked()) > 0 {
		t.Errorf("parked: %+v", o.parked())
	}
	o.expect("ada", "1 call", "1 called")
}

func TestAnEffectThatIsRefusedParksItsStream(t *testing.T) {
	o := newOffice(t)
	o.outside.fail = func(bool) error { return estest.ErrForbidden }
	o.deliver(o.happen("ada", named("call"), named("Grace")))
	o.expect("ada", "1 call")
	if got := o.parked(); len(got) != 1 || got[0].Stream != "user#ada" || got[0].Version != 1 {
		t.Errorf("parked: %+v", got)
	}
	o.outside.fail = nil
	if o.redrive() {
		t.Errorf("parked: %+v", o.parked())
	}
	o.expect("ada", "1 call", "1 called", "2 Grace")
}

func TestARefusalHoldsUpItsOwnStreamAloneAndARedriveGoesOnInOrder(t *testing.T) {
	o := newOffice(t)
	o.deliver(o.happen("ada", later("remind")))
	o.refused = true
	o.deliver(o.happen("ada", named("forbidden")), o.happen("bob", named("Bob")))
	o.deliver(o.happen("ada", named("Ada")))
	o.happen("ada", events.UserRoleGranted{Role: "auditor"})
	o.expect("ada", "1 later")
	o.expect("bob", "1 Bob")
	if got := o.parked(); len(got) != 1 || got[0].View != "office" || got[0].Stream != "user#ada" || got[0].Version != 2 || got[0].Attempts != 2 {
		t.Errorf("parked: %+v", got)
	}
	o.now = o.now.Add(time.Hour)
	if n, err := o.tick(o.now.Add(time.Minute)); n != 1 || err != nil {
		t.Errorf("%d deadlines answered, error %v", n, err)
	}
	if !o.redrive() {
		t.Error("it is not parked any more, though nothing has changed")
	}
	o.refused = false
	if o.redrive() || len(o.parked()) > 0 {
		t.Errorf("parked: %+v", o.parked())
	}
	o.expect("ada", "1 later", "1 remind of 4", "2 forbidden", "3 Ada")
}

func TestAnOldRecordThatHealsAStreamBringsItToItsEnd(t *testing.T) {
	o := newOffice(t)
	o.refused = true
	old := o.happen("ada", named("forbidden"))
	o.deliver(old)
	o.deliver(o.happen("ada", named("Ada"))) // and is not delivered again
	o.refused = false
	o.target.Fail(estest.None, estest.Before, estest.Before, estest.Before) // on the way to the end
	if failed := o.projector.Project(t.Context(), []es.Commit{old}); !errors.Is(failed[0], es.ErrUnavailable) {
		t.Errorf("on a store that fails: %v", failed)
	}
	o.deliver(old)
	o.expect("ada", "1 forbidden", "2 Ada")
	if len(o.parked()) > 0 {
		t.Errorf("parked: %+v", o.parked())
	}
}

// What happens at the moments at which a stream ceases to be parked, and was acknowledged
// because it was, must be reacted to or stay in sight.
func TestNothingIsLostBetweenParkedAndHealed(t *testing.T) {
	const advance, unpark = 1, 3 // of the writes to the tables
	heal := func(write int, meanwhile func(o *office)) (*office, map[int]error) {
		o, writes := newOffice(t), 0
		o.refused = true
		old := o.happen("ada", named("forbidden"))
		o.deliver(old)
		o.refused = false
		o.memory.Fail = func(after bool) error {
			if !after {
				if writes++; writes == write {
					meanwhile(o)
				}
			}
			return nil
		}
		return o, o.projector.Project(t.Context(), []es.Commit{old})
	}
	o, failed := heal(advance, func(o *office) {
		o.refused = true
		o.deliver(o.happen("ada", named("Ada")))
		o.refused = false
	})
	o.expect("ada", "1 forbidden", "2 Ada")
	if len(failed) > 0 || len(o.parked()) > 0 {
		t.Errorf("acknowledged while it was parked: %v, parked: %+v", failed, o.parked())
	}
	o, failed = heal(unpark, func(o *office) {
		o.refused = true
		o.deliver(o.happen("ada", named("forbidden")))
	})
	if got := o.parked(); len(failed) > 0 || len(got) != 1 || got[0].Version != 2 {
		t.Errorf("parked again: %v, parked: %+v", failed, got)
	}
}

func TestWhatMayPassComesAgainAndIsNotParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		c := o.happen("ada", named("Ada"))
		o.projector.Executor.Store = contended{o.target}
		if failed := o.projector.Project(t.Context(), []es.Commit{c}); !errors.Is(failed[0], es.ErrConflict) {
			t.Errorf("contended: %v", failed)
		}
		o.projector.Executor.Store = o.target
		o.deliver(o.happen("bob", later("remind")))
		o.now = o.now.Add(time.Hour)
		o.projector.Executor.Store = contended{o.target}
		if _, err := o.tick(o.now.Add(time.Minute)); !errors.Is(err, es.ErrConflict) {
			t.Errorf("contended: %v", err)
		}
		o.projector.Executor.Store = o.target
		o.target.Fail(estest.Before, estest.Before, estest.Before)
		if failed := o.projector.Project(t.Context(), []es.Commit{c}); !errors.Is(failed[0], es.ErrUnavailable) {
			t.Errorf("unavailable: %v", failed)
		}
		if len(o.parked()) > 0 {
			t.Errorf("parked: %+v", o.parked())
		}
		o.deliver(c)
		o.expect("ada", "1 Ada")
	})
}

// contended is a store whose streams always belong to somebody faster.
type contended struct{ es.Store }

func (contended) Append(context.Context, ...es.Pending) error { return es.ErrConflict }

func TestHistoryAndOtherEventsLeadToNothingAndCostNothing(t *testing.T) {
	o := newOffice(t)
	o.now = estest.Now.Add(-time.Millisecond)
	history := o.happen("ada", named("History"))
	o.now = estest.Now
	other := o.happen("ada", events.UserRoleGranted{Role: "auditor"})
	o.memory.Fail = func(bool) error { return errors.New("something is written") }
	o.deliver(history, other)
	if n := o.loads.Load(); n > 0 {
		t.Errorf("%d checkpoints were read", n)
	}
	o.memory.Fail = nil
	o.deliver(o.happen("ada", named("Ada")))
	o.expect("ada", "3 Ada")
}

func TestADeadlineThatCannotBeAnsweredIsParkedAndTheOthersGoOn(t *testing.T) {
	o := newOffice(t)
	o.deliver(o.happen("ada", later("forbidden"), later("remind")), o.happen("bob", later("remind")))
	o.now, o.refused = o.now.Add(time.Hour), true
	if n, err := o.tick(o.now.Add(time.Minute)); n != 3 || err != nil {
		t.Errorf("%d deadlines answered, error %v", n, err)
	}
	o.expect("ada", "1 later", "2 later", "2 remind of 2")
	o.expect("bob", "1 later", "1 remind of 1")
	got := o.parked()
	if len(got) != 1 || got[0].View != "office" || got[0].Stream.Category() != "deadline" || got[0].Attempts != 1 {
		t.Fatalf("parked: %+v", got)
	}
	if n, err := o.tick(o.now.Add(time.Minute)); n != 0 || err != nil {
		t.Errorf("a second tick answers %d deadlines, error %v", n, err)
	}
	if !o.redrive() || o.parked()[0].Attempts != 2 {
		t.Errorf("after a redrive in vain: %+v", o.parked())
	}
	o.refused = false
	for range 2 {
		if o.redrive() || len(o.parked()) > 0 {
			t.Errorf("parked: %+v", o.parked())
		}
	}
	o.expect("ada", "1 later", "2 later", "2 remind of 2", "1 forbidden of 2")
}

func TestADeadlineThatFailsInPassingStaysDueAndTheOthersGoOn(t *testing.T) {
	o := newOffice(t)
	for n := range 10 {
		o.deliver(o.happen(fmt.Sprint(n), later("remind")))
	}
	o.projector.Parallel = 1
	o.now = o.now.Add(time.Hour)
	o.target.Fail(estest.Before, estest.Before, estest.Before)
	if n, err := o.tick(o.now.Add(time.Minute)); n != 9 || !errors.Is(err, es.ErrUnavailable) {
		t.Errorf("%d deadlines answered, error %v", n, err)
	}
	if n, err := o.tick(o.now.Add(time.Minute)); n != 1 || err != nil {
		t.Errorf("then %d, error %v", n, err)
	}
	for n := range 10 {
		o.expect(fmt.Sprint(n), "1 later", "1 remind of 1")
	}
}

func TestATickEndsInTimeAndTheNextGoesOn(t *testing.T) {
	const deadlines = 100
	o := newOffice(t)
	for n := range deadlines {
		o.deliver(o.happen(fmt.Sprint(n), later("remind")))
	}
	o.projector.Parallel = 1
	o.now = o.now.Add(time.Hour)
	o.memory.Fail = func(after bool) error { // writes take time
		if after {
			o.now = o.now.Add(time.Second)
		}
		return nil
	}
	answered := 0
	for ticks := 1; answered < deadlines; ticks++ {
		n, err := o.tick(o.now.Add(40 * time.Second))
		if n == 0 || n > 40 || err != nil {
			t.Fatalf("tick %d answers %d, error %v", ticks, n, err)
		}
		answered += n
	}
	for n := range deadlines {
		o.expect(fmt.Sprint(n), "1 later", "1 remind of 1")
	}
}

func TestARecordThatIsNoCommitParksItsStreamUnlessThatHasComeFurther(t *testing.T) {
	o := newOffice(t)
	o.deliver(o.happen("ada", named("Ada")))
	for _, version := range []es.Version{1, 2} {
		if err := o.projector.Damaged(t.Context(), &es.DamagedError{Stream: "user#ada", Version: version, Reason: "as told"}); err != nil {
			t.Fatal(err)
		}
		var none struct{}
		row, err := o.memory.Load(t.Context(), projection.Key{View: "office", Generation: 1, ID: "ada"}, &none, true)
		if row.Version != 1 || (row.Parked > 0) != (version > 1) || err != nil {
			t.Errorf("damaged at version %d: the checkpoint is %+v, error %v", version, row, err)
		}
	}
}

func TestAReactorIsWokenForAllVersionsOfItsEvents(t *testing.T) {
	got := projection.Types([]projection.Projection{
		&projection.Reactor[int]{Triggers: []projection.Trigger{{Event: events.SessionStarted{}}, {Event: events.UserCreated{}}}},
		&projection.Reactor[int]{Triggers: []projection.Trigger{{Event: events.UserCreated{}}}},
		projection.Rebuilds,
	})
	if want := []string{"session.started.v1", "session.started.v2", "session.started.v3", "user.created.v1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestARowThatWasParkedCatchesUpToTheEndOfItsStream(t *testing.T) {
	o, broken := newOffice(t), true
	view := projection.View[int]{Name: "view", Category: "user", Apply: func(n int, e es.Recorded) int {
		if broken && e.Version == 2 {
			panic("as told")
		}
		return n + 1
	}}
	o.projector.Projections = []projection.Projection{&view}
	o.deliver(o.happen("ada", named("1")))
	old := o.happen("ada", named("2"))
	o.deliver(old)
	o.deliver(o.happen("ada", named("3"))) // and is not delivered again
	broken = false
	o.deliver(old)
	var n int
	row, err := o.memory.Load(t.Context(), projection.Key{View: "view", Generation: 1, ID: "ada"}, &n, true)
	if err != nil || row != (projection.Row{Version: 3}) || n != 3 || len(o.parked()) > 0 {
		t.Errorf("the row is %+v with %d, error %v; parked: %+v", row, n, err, o.parked())
	}
}

// damagedLater finds, wherever it looks, a commit that was damaged after it was projected.
type damagedLater struct{ es.Scanner }

func (d damagedLater) Scan(context.Context, int, int, []byte) iter.Seq2[es.Page, error] {
	return func(yield func(es.Page, error) bool) {
		damage := &es.DamagedError{Stream: "user#ada", Version: 1, Reason: "as told"}
		yield(es.Page{Commits: []es.Scanned{{Err: damage}}}, nil)
	}
}

func TestARebuildComesToItsEndOverACommitThatWasDamagedAfterItWasProjected(t *testing.T) {
	o := newOffice(t)
	view := projection.View[int]{Name: "view", Category: "user", Apply: func(n int, _ es.Recorded) int { return n + 1 }}
	o.projector.Projections, o.projector.Generations = []projection.Projection{&view, projection.Rebuilds}, o.memory
	b := &projection.Rebuilder{
		Projector: o.projector, Executor: &es.Executor{Repository: es.Repository{Store: o.store}, Now: o.clock},
		Scanner: damagedLater{o.store}, Parts: o.memory, Queue: o.memory,
	}
	if _, err := b.Start(t.Context(), es.Meta{CommandID: "start"}, nil, "view"); err != nil {
		t.Fatal(err)
	}
	o.deliver(o.happen("ada", named("Ada")))
	for part := range projection.Parts {
		if err := b.Do(t.Context(), projection.Task{Do: projection.Build, View: "view", Part: part}, o.now.Add(time.Minute)); err != nil {
			t.Errorf("part %d: %v", part, err)
		}
	}
	all, err := b.Statuses(t.Context())
	if err != nil || len(all) != 1 || all[0].Building {
		t.Errorf("the view is %+v, error %v", all, err)
	}
}
