package es

import (
	"context"
	"errors"
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
// was, maps and slices included, because folded states are shared. Snapshots hold a state
// as JSON, so what Evolve needs has to be in exported fields.
type State[S any, E events.Event] interface {
	Evolve(E) S
}

// Aggregate describes one category of streams.
type Aggregate[S State[S, E], E events.Event] struct {
	// Category is the first part of the streams' names.
	Category string
	// Reducer is the version of State and Evolve. Raise it when either changes: snapshots
	// of lower versions are then ignored and replaced.
	Reducer int
	// SnapshotEvery is how many events lie between two snapshots; 0 is the default for all.
	SnapshotEvery int
	// Subject says whose personal data a state holds, which is sealed in snapshots; nil: it
	// holds none.
	Subject func(S) string
	// Coupled, if set, names what has to happen on other streams in the same transaction
	// as these events, whichever command decided them. Commits to several streams cost
	// twice as much, so return nothing where nothing is needed.
	Coupled func(Stream, []E) []Step
}

// Step is one command aimed at one stream. [Aggregate.On] and [Aggregate.New] make steps.
type Step interface {
	stream() Stream
	// plan finds the stream's state, fresh or assumed, and decides.
	plan(ctx context.Context, x *Executor, a asked) (plan, error)
}

// asked is what a step is planned for.
type asked struct {
	meta    Meta
	expect  *Version // the version the stream has to be at, if any
	assume  bool     // states may be assumed: from the cache, or empty for new streams
	coupled bool     // in the wake of another step, which is the one that knows repeats
}

// plan is what a step came to.
type plan struct {
	tip      Tip
	assumed  bool     // decided on a state that was assumed, not read
	replayOf *Result  // the command was carried out before
	pending  *Pending // nil: nothing happens
	coupled  []Step
	stored   func() // tells the cache what the stream has become
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
	f, assumed := Folded[S]{Tip: StartOf(s.stream())}, false
	if a.assume {
		f, assumed = s.aggregate.cached(x.Cache, s.stream())
		assumed = assumed || s.isNew
	}
	if !assumed {
		var err error
		if f, err = s.aggregate.Load(ctx, &x.Repository, s.id); err != nil {
			return plan{}, err
		}
	}
	p := plan{tip: f.Tip, assumed: assumed}
	if !a.coupled {
		if done, ok := f.recent.find(a.meta.CommandID); ok {
			if !done.sameRequest(a.meta.Fingerprint) {
				return plan{}, ErrKeyReused
			}
			return plan{replayOf: &Result{Stream: s.stream(), Version: done.version, Replay: true}}, nil
		}
	}
	now := f.Tip.Clamp(x.Now())
	decided, err := s.command.Decide(f.State, now)
	if a.expect != nil && *a.expect != f.Tip.Version() && !hides(err) {
		return p, ErrStale
	}
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
	// What is cached is folded from what is stored, as a load would do.
	after, err := s.aggregate.fold(f, pending.commit)
	if err != nil {
		return p, err
	}
	if pending, err = pending.seal(ctx, x.Vault); err != nil {
		return p, err
	}
	after.Tip.hash = pending.commit.Hash
	p.pending = &pending
	p.stored = func() { s.aggregate.keep(x.Cache, after) }
	if s.aggregate.Coupled != nil {
		p.coupled = s.aggregate.Coupled(s.stream(), decided)
	}
	return p, nil
}

// hides tells a refusal whose caller is not to find out by guessing versions what there is.
func hides(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal) && (refusal.Kind == NotFound || refusal.Hides)
}
