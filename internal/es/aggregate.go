package es

import (
	"context"
	"fmt"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Command is a wish to change an aggregate. Decide answers it with the events that happen,
// none if there is nothing to do, or an [*Error]. It is pure: it may be called again on
// another state when somebody else was faster. now is the time the commit will carry.
type Command[S any, E events.Event] interface {
	Decide(state S, now time.Time) ([]E, error)
}

// State is what an aggregate's events add up to; its zero value means that nothing has
// happened yet. Evolve never validates and never fails, and it leaves its receiver as it
// was, maps and slices included, because folded states are shared.
type State[S any, E events.Event] interface {
	Evolve(E) S
}

// Aggregate describes one category of streams.
type Aggregate[S State[S, E], E events.Event] struct {
	// Category is the first part of the streams' names.
	Category string
	// Coupled, if set, names what has to happen on other streams in the same transaction
	// as these events, whichever command decided them. Commits to several streams cost
	// twice as much, so return nothing where nothing is needed.
	Coupled func(Stream, []E) []Step
}

// Step is one command aimed at one stream. [Aggregate.On] and [Aggregate.New] make steps.
type Step interface {
	stream() Stream
	// plan loads the stream, unless it may be assumed empty, and decides.
	plan(ctx context.Context, x *Executor, a asked) (plan, error)
}

// asked is what a step is planned for.
type asked struct {
	meta      Meta
	expect    *Version // the version the stream has to be at, if any
	speculate bool     // new streams may be assumed empty
	coupled   bool     // in the wake of another step, which is the one that knows repeats
}

// plan is what a step came to.
type plan struct {
	tip        Tip
	speculated bool     // decided on a state that was assumed, not loaded
	replayOf   *Result  // the command was carried out before
	pending    *Pending // nil: nothing happens
	coupled    []Step
}

type step[S State[S, E], E events.Event] struct {
	aggregate *Aggregate[S, E]
	id        string
	command   Command[S, E]
	isNew     bool
}

// On aims a command at the aggregate with this id.
func (a *Aggregate[S, E]) On(id string, c Command[S, E]) Step {
	return step[S, E]{a, id, c, false}
}

// New aims a command at an aggregate that most likely does not exist yet. It is first tried
// without loading the stream; if the stream is there after all, that comes out as a
// conflict and the command is decided again on what was loaded.
func (a *Aggregate[S, E]) New(id string, c Command[S, E]) Step {
	return step[S, E]{a, id, c, true}
}

func (s step[S, E]) stream() Stream { return NewStream(s.aggregate.Category, s.id) }

func (s step[S, E]) plan(ctx context.Context, x *Executor, a asked) (plan, error) {
	f := Folded[S]{Tip: StartOf(s.stream())}
	speculated := s.isNew && a.speculate
	if !speculated {
		var err error
		if f, err = s.aggregate.Load(ctx, x.Store, s.id); err != nil {
			return plan{}, err
		}
	}
	p := plan{tip: f.Tip, speculated: speculated}
	if !a.coupled {
		if done, ok := f.recent.find(a.meta.CommandID); ok {
			if !done.sameRequest(a.meta.Fingerprint) {
				return p, ErrKeyReused
			}
			p.replayOf = &Result{Stream: s.stream(), Version: done.version, Replay: true}
			return p, nil
		}
	}
	if a.expect != nil && *a.expect != f.Tip.Version() {
		return p, ErrStale
	}
	now := f.Tip.Clamp(x.Now())
	decided, err := s.command.Decide(f.State, now)
	if err != nil || len(decided) == 0 {
		return p, err
	}
	more := make([]events.Event, len(decided))
	for i, e := range decided {
		more[i] = e
	}
	pending, err := f.Tip.Next(a.meta, now, more[0], more[1:]...)
	if err != nil {
		return p, err
	}
	p.pending = &pending
	if s.aggregate.Coupled != nil {
		p.coupled = s.aggregate.Coupled(s.stream(), decided)
	}
	return p, nil
}

// Folded is an aggregate's state with the place in the stream it was folded to.
type Folded[S any] struct {
	State  S
	Tip    Tip
	recent recent
}

// Load reads and folds a whole stream.
func (a *Aggregate[S, E]) Load(ctx context.Context, store Store, id string) (Folded[S], error) {
	s := NewStream(a.Category, id)
	f := Folded[S]{Tip: StartOf(s)}
	for c, err := range store.Read(ctx, s, Range{}) {
		if err != nil {
			return f, fmt.Errorf("load %s: %w", a.Category, err)
		}
		if f, err = a.fold(f, c); err != nil {
			return f, fmt.Errorf("load %s: %w", a.Category, err)
		}
	}
	return f, nil
}

func (a *Aggregate[S, E]) fold(f Folded[S], c Commit) (Folded[S], error) {
	tip, err := f.Tip.Follow(c)
	if err != nil {
		return f, err
	}
	recorded, err := c.Recorded()
	if err != nil {
		return f, err
	}
	for _, r := range recorded {
		e, ok := r.Event.(E)
		if !ok {
			return f, &DamagedError{c.Stream, r.Version, fmt.Sprintf("%s does not belong on a %s stream", r.Event.EventType(), a.Category)}
		}
		f.State = f.State.Evolve(e)
	}
	f.Tip = tip
	f.recent.add(c)
	return f, nil
}
