package user

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// shelf is a holding that has a number of things of a person, one stream each.
type shelf struct {
	things int
	fails  error
	asked  []time.Time
	now    func() time.Time
}

// removals are the commands by which things go: an account of its own stands for each.
var removals = es.Aggregate[Profile, events.Auth]{Category: "thing", Reducer: 1}

type remove struct{}

func (remove) Decide(p Profile, _ time.Time) ([]events.Auth, error) {
	if p.Status == Suspended {
		return nil, nil
	}
	return []events.Auth{events.UserSuspended{}}, nil
}

func (s *shelf) Purge(context.Context, string) (steps []es.Step, err error) {
	s.asked = append(s.asked, s.now())
	if s.fails != nil {
		return nil, s.fails
	}
	if s.things > 0 {
		s.things--
		steps = append(steps, removals.On(es.DeriveID("thing", string(rune('a'+s.things))), remove{}))
	}
	return steps, nil
}

func (s *shelf) Export(context.Context, string) (string, any, error) {
	return "shelf", s.things, s.fails
}

// pile is a holding of three things, one of which cannot be removed.
type pile struct{ store es.Store }

type refuse struct{}

func (refuse) Decide(Profile, time.Time) ([]events.Auth, error) { return nil, ErrSuspended }

func (p *pile) Purge(ctx context.Context, _ string) (steps []es.Step, err error) {
	for i, c := range []es.Command[Profile, events.Auth]{refuse{}, remove{}, remove{}} {
		s := removals.On(es.DeriveID("piled", string(rune('a'+i))), c)
		there := false
		for _, failed := range p.store.Read(ctx, es.NewStream("thing", es.DeriveID("piled", string(rune('a'+i)))), es.Range{}) {
			there, err = true, failed
		}
		if !there {
			steps = append(steps, s)
		}
	}
	return steps, err
}

func (*pile) Export(context.Context, string) (string, any, error) { return "pile", nil, nil }

// safe is where keys are, which counts how often one is destroyed.
type safe struct {
	fails     error
	destroyed int
}

func (s *safe) Destroy(context.Context, string) error {
	if s.fails == nil {
		s.destroyed++
	}
	return s.fails
}

// process is the erasure of one person.
type process struct {
	t      *testing.T
	now    time.Time
	store  *estest.Memory
	memory *projectiontest.Memory
	safe   safe
	shelf  shelf
	p      *projection.Projector
	views  *projection.Projector
	late   bool // the views do not follow
}

// begin is the erasure of a person whose address has been released.
func begin(t *testing.T, more ...func(es.Store) Holding) *process {
	t.Helper()
	r := &process{t: t, now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), store: new(estest.Memory), memory: new(projectiontest.Memory)}
	clock := func() time.Time { return r.now }
	r.shelf.now = clock
	x := es.Executor{Repository: es.Repository{Store: r.store}, Now: clock}
	m := &Module{
		Executor: x, Holdings: []Holding{&r.shelf}, Keys: &r.safe,
		Views: &projection.Reader{Store: r.store, Rows: r.memory, Generations: r.memory, Now: clock},
	}
	for _, holding := range more {
		m.Holdings = append(m.Holdings, holding(r.store))
	}
	r.views = &projection.Projector{Store: r.store, Rows: r.memory, Parked: r.memory, Generations: r.memory, Projections: []projection.Projection{&Users}, Now: clock}
	r.p = &projection.Projector{Store: r.store, Rows: r.memory, Parked: r.memory, Deadlines: r.memory, Projections: m.Reactors(), Executor: &x, Now: clock}
	pending, err := es.StartOf(es.NewStream("user", ada)).Next(es.Meta{CommandID: "c"}, r.now,
		created, requested, events.UserAddressReleased{Email: created.Email})
	if err == nil {
		err = r.store.Append(t.Context(), pending)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// happened lists the types of the events on the person's stream.
func (r *process) happened() (types []string) {
	r.t.Helper()
	for c, err := range r.store.Read(r.t.Context(), es.NewStream("user", ada), es.Range{}) {
		if err != nil {
			r.t.Fatal(err)
		}
		for _, e := range c.Events {
			types = append(types, e.Type)
		}
	}
	return types
}

func (r *process) is(event events.Event) bool {
	return slices.Contains(r.happened(), event.EventType())
}

// goOn delivers every commit, twice, and lets the clock tick.
func (r *process) goOn(passes time.Duration) {
	r.t.Helper()
	for range 2 {
		for c, err := range r.store.Read(r.t.Context(), es.NewStream("user", ada), es.Range{}) {
			if err != nil {
				r.t.Fatal(err)
			}
			if failed := r.p.Project(r.t.Context(), []es.Commit{c}); len(failed) > 0 {
				r.t.Fatal(failed)
			}
			if r.late {
				continue
			}
			if failed := r.views.Project(r.t.Context(), []es.Commit{c}); len(failed) > 0 {
				r.t.Fatal(failed)
			}
		}
	}
	r.now = r.now.Add(passes)
	(&projection.Clock{Projector: r.p}).Tick(r.t.Context(), r.now.Add(time.Minute)) // what fails in passing is shown by what happens
}

func TestAPersonIsErasedWhenNothingIsLeft(t *testing.T) {
	r := begin(t)
	r.shelf.things = 2
	r.goOn(0)
	if r.safe.destroyed != 1 || !r.is(events.UserKeyDestroyed{}) || len(r.shelf.asked) > 0 {
		t.Fatalf("destroyed %d times, asked at %v: %v", r.safe.destroyed, r.shelf.asked, r.happened())
	}
	for range 8 {
		r.goOn(time.Minute)
	}
	var after []time.Duration
	for _, at := range r.shelf.asked {
		after = append(after, at.Sub(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
	if want := []time.Duration{2 * time.Minute, 3 * time.Minute, 4 * time.Minute}; !slices.Equal(after, want) {
		t.Errorf("who holds something was asked after %v, want %v", after, want)
	}
	got := strings.Join(r.happened(), " ")
	if want := "user.created.v1 user.erasure-requested.v1 user.address-released.v1 user.key-destroyed.v1 user.erased.v1"; got != want || r.safe.destroyed != 1 {
		t.Errorf("destroyed %d times: %s", r.safe.destroyed, got)
	}
}

func TestAnErasureWaitsForWhatFailsAndGoesOn(t *testing.T) {
	r := begin(t)
	r.safe.fails, r.shelf.things = errors.New("no answer"), 1
	for range 5 {
		r.goOn(time.Minute)
	}
	if r.is(events.UserKeyDestroyed{}) {
		t.Fatal("a key that is there is recorded as destroyed")
	}
	r.safe.fails, r.shelf.fails = nil, errors.New("no answer")
	for range 10 {
		r.goOn(10 * time.Minute)
	}
	if !r.is(events.UserKeyDestroyed{}) || r.is(events.UserErased{}) {
		t.Fatalf("without an answer of who holds something: %v", r.happened())
	}
	r.shelf.fails = nil
	for range 5 {
		r.goOn(10 * time.Minute)
	}
	if !r.is(events.UserErased{}) || r.shelf.things > 0 {
		t.Errorf("%d things are left: %v", r.shelf.things, r.happened())
	}
}

func TestNobodyIsErasedByListsThatAreLate(t *testing.T) {
	t.Run("and show the account as it was", func(t *testing.T) {
		r := begin(t)
		r.safe.fails = errors.New("no answer")
		r.goOn(0)
		r.safe.fails = nil
		r.waits()
	})
	t.Run("and do not show the account yet", func(t *testing.T) { begin(t).waits() })
}

// waits demands that an erasure waits for the views.
func (r *process) waits() {
	t := r.t
	t.Helper()
	r.late = true
	for range 10 {
		r.goOn(time.Minute)
	}
	if len(r.shelf.asked) > 0 || r.is(events.UserErased{}) {
		t.Errorf("asked at %v: %v", r.shelf.asked, r.happened())
	}
	r.late = false
	for range 10 {
		r.goOn(time.Minute)
	}
	if !r.is(events.UserErased{}) {
		t.Errorf("when they are in time: %v", r.happened())
	}
}

func TestWhatCannotBeRemovedKeepsNothingElseFromBeing(t *testing.T) {
	var p *pile
	r := begin(t, func(s es.Store) Holding { p = &pile{s}; return p })
	for range 12 {
		r.goOn(time.Minute)
	}
	if left, err := p.Purge(t.Context(), ada); len(left) != 1 || err != nil || r.is(events.UserErased{}) {
		t.Errorf("left are %d things, error %v: %v", len(left), err, r.happened())
	}
}
