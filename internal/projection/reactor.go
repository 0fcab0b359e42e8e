package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
)

// Reactor turns the events of one category of streams into commands and deadlines: it is
// what process managers are made of. For each stream it keeps a checkpoint, the version up to
// which everything has been carried out, in order. A crash between a command and the
// checkpoint repeats the command with the same command id, which changes nothing. Reactors
// are never rebuilt, so a rebuild has no effects.
//
// A command that is refused parks the stream for this reactor: what comes later on that
// stream waits behind it, because it may build on it, until the next event that triggers the
// reactor or a redrive finds the command accepted. Nothing else waits: other streams, other
// reactors of this stream, and deadlines that were set before go on. So a refusal that has
// to be expected must not come out as one: let Decide answer it with an event that says so,
// or with no event. Errors that may pass are not parked; the stream brings the event again.
//
// A repeat is known by its command id among the last 200 commands of the stream that it aims
// at. On streams busier than that, Decide has to tell a repeat by the state as well.
type Reactor[S any] struct {
	Name     string
	Category string
	Triggers []Trigger
	// React gives what is to be done because of an event that is among the triggers. It is
	// pure. Ids of reactions derive from their places in the list, so a new one goes to its end.
	React func(e es.Recorded) []Reaction
	// Apply folds the stream for Due, like View.Apply.
	Apply func(state S, e es.Recorded) S
	// Due gives what is to be done when a deadline has come that was set for an event of a
	// stream, whose present state it is given. It is pure. After a crash it is asked again, on
	// the same state if there is more than one thing to be done.
	Due func(d Deadline, state S) []Reaction
}

// Trigger is a kind of event that a reactor reacts to.
type Trigger struct {
	// Event is the event's zero value. A new version of an event is to be written only once
	// reactors that know it are deployed: they are not woken for versions they do not know.
	Event events.Event
	// Since leaves history alone: what was committed before it is passed over. It is for each
	// kind of event, so that a reactor can learn to react to another kind. What is committed
	// between it and the deployment is reacted to only when its stream triggers again.
	Since time.Time
}

// Reaction is one thing to be done because of an event or a deadline: a command to be
// carried out, a deadline to be set, or an effect outside.
type Reaction struct {
	Command  es.Step
	Deadline *Deadline
	Effect   Effect
}

// Effect is a call to somebody outside: a provider of payments, a mail server, a bucket.
type Effect interface {
	// Perform makes the call. key is the same in every try, for the other side to know a
	// repeat by. What it returns is carried out then, with ids that derive from the key: the
	// commands that record what came of the call. So what the other side decides, a refusal
	// included, is no error. An error that is a refusal of ours parks the stream, like that of
	// a command. After any other one, which a call gives that has taken longer than
	// [EffectLimit] too, the effect is tried again by the clock, after a minute and then less
	// and less often for a day, and then parked; what comes after it goes on meanwhile.
	Perform(ctx context.Context, key string) ([]Reaction, error)
}

// EffectLimit is how long an effect may take.
const EffectLimit = 10 * time.Second

// RefusedError reports a reaction that will not succeed however often it is tried.
type RefusedError struct {
	Stream  es.Stream
	Version es.Version // of the event that is reacted to
	Err     error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s version %d: %v", e.Stream, e.Version, e.Err)
}

// Unwrap gives the refusal.
func (e *RefusedError) Unwrap() error { return e.Err }

// reactor is a Reactor of any state.
type reactor interface {
	Projection
	triggers() []Trigger
	// due is what there is to be done because of a deadline, and the version of the stream that
	// this was decided at.
	due(ctx context.Context, p *Projector, d Deadline) ([]Reaction, es.Version, error)
	// postponed gives the event that a postponed effect is for, and the effect.
	postponed(ctx context.Context, p *Projector, d Deadline) (es.Recorded, Effect, error)
}

// Types lists the names under which the events that these reactors react to are stored, all
// versions of them.
func Types(all []Projection) (names []string) {
	for _, p := range all {
		if r, ok := p.(reactor); ok {
			for _, t := range r.triggers() {
				names = append(names, t.names()...)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (t Trigger) names() (names []string) {
	base := withoutVersion(t.Event.EventType())
	for _, name := range events.Types() {
		if withoutVersion(name) == base {
			names = append(names, name)
		}
	}
	return names
}

// withoutVersion is "user.created.v" of "user.created.v1".
func withoutVersion(name string) string { return strings.TrimRight(name, "0123456789") }

func (r *Reactor[S]) name() string            { return r.Name }
func (r *Reactor[S]) covers(s es.Stream) bool { return s.Category() == r.Category }
func (r *Reactor[S]) generational() bool      { return false }
func (r *Reactor[S]) triggers() []Trigger     { return r.Triggers }

// wakes keeps commits that nothing is to be done about from costing a read or a write.
func (r *Reactor[S]) wakes(commits []es.Commit) bool {
	return slices.ContainsFunc(commits, func(c es.Commit) bool {
		return slices.ContainsFunc(c.Events, func(d es.Data) bool {
			return slices.ContainsFunc(r.Triggers, func(t Trigger) bool {
				return withoutVersion(d.Type) == withoutVersion(t.Event.EventType()) && !c.At.Before(t.Since)
			})
		})
	})
}

func (r *Reactor[S]) triggeredBy(e es.Recorded) bool {
	return slices.ContainsFunc(r.Triggers, func(t Trigger) bool {
		return e.Event.EventType() == t.Event.EventType() && !e.At.Before(t.Since)
	})
}

func (r *Reactor[S]) key(generation int, s es.Stream) Key { return Key{r.Name, generation, s.ID()} }

// follow reacts to what comes after the checkpoint, and if the stream was parked to all that
// has been acknowledged because it was.
func (r *Reactor[S]) follow(ctx context.Context, p *Projector, generation int, s es.Stream, commits []es.Commit) (done saved, err error) {
	err = retry(ctx, func() error {
		var none struct{}
		row, err := p.Rows.Load(ctx, r.key(generation, s), &none, true)
		if err != nil {
			return err
		}
		f := &reacting{row: row, version: row.Version,
			react: func(c es.Commit) (bool, error) { return r.react(ctx, p, c) },
			save: func(was, now Row) error {
				err := p.Rows.Save(ctx, Change{Key: r.key(generation, s), Was: was, Now: now, Data: none})
				if err == nil {
					done = saved{row.Version, now.Version}
				}
				return err
			},
		}
		err = catchUp(ctx, p.Store, s, f, commits)
		if err == nil && row.Parked > f.version {
			err = readOn(ctx, p.Store, s, f, row.Parked)
		}
		if err != nil || row.Parked == 0 {
			return err
		}
		if err := f.keep(0); err != nil {
			return err
		}
		return p.Parked.Unpark(ctx, r.Name, generation, s, f.version)
	})
	return done, err
}

// reacting is a checkpoint on its way to a later version. It is saved after every commit that
// there was a reaction to, so that little is repeated after a crash; the others cost nothing.
type reacting struct {
	react   func(es.Commit) (reacted bool, err error)
	save    func(was, now Row) error
	row     Row // as it is saved
	version es.Version
}

func (f *reacting) reached() es.Version { return f.version }

func (f *reacting) add(c es.Commit) error {
	if next, err := isNext(f.version, c); !next {
		return err
	}
	reacted, err := f.react(c)
	if err != nil {
		return err
	}
	f.version = c.Last()
	if reacted {
		return f.keep(f.row.Parked)
	}
	return nil
}

// keep saves the checkpoint.
func (f *reacting) keep(parked es.Version) error {
	was := f.row
	f.row = Row{Version: f.version, Parked: parked}
	return f.save(was, f.row)
}

// fresh makes no row: reactors are not rebuilt.
func (r *Reactor[S]) fresh(int, es.Stream, []es.Commit) (c Change, ok bool) { return c, false }

// react does what is to be done because of a commit and reports whether there was anything.
func (r *Reactor[S]) react(ctx context.Context, p *Projector, c es.Commit) (reacted bool, err error) {
	recorded, err := c.Recorded()
	if err != nil {
		return false, err
	}
	for _, e := range recorded {
		if !r.triggeredBy(e) {
			continue
		}
		reacted = true
		reactions, err := r.reactionsTo(e)
		if err != nil {
			return reacted, err
		}
		if err := p.carryOut(ctx, reactions, r.originOf(e)); err != nil {
			return reacted, err
		}
	}
	return reacted, nil
}

// reactionsTo is React with a panic as an error.
func (r *Reactor[S]) reactionsTo(e es.Recorded) ([]Reaction, error) {
	return attempt(func(_ []Reaction, e es.Recorded) []Reaction { return r.React(e) }, nil, e)
}

func (r *Reactor[S]) postponed(ctx context.Context, p *Projector, d Deadline) (e es.Recorded, _ Effect, err error) {
	for c, err := range p.Store.Read(ctx, d.Stream, es.Range{Through: d.Version, Backward: true, Limit: 1}) {
		if err != nil {
			return e, nil, err
		}
		recorded, err := c.Recorded()
		if err != nil {
			return e, nil, err
		}
		for _, e := range recorded {
			if e.Version != d.Version {
				continue
			}
			reactions, err := r.reactionsTo(e)
			if err != nil {
				return e, nil, err
			}
			if place := d.Effect - 1; place < len(reactions) && reactions[place].Effect != nil {
				return e, reactions[place].Effect, nil
			}
		}
	}
	return e, nil, &RefusedError{d.Stream, d.Version, errors.New("there is no such effect any more")}
}

func (r *Reactor[S]) park(ctx context.Context, p *Projector, generation int, s es.Stream, version, through es.Version) (bool, error) {
	return park(ctx, p, r.key(generation, s), s, version, through, checkpoint)
}

func (r *Reactor[S]) parked(ctx context.Context, p *Projector, generation int, s es.Stream) (bool, error) {
	return parked[struct{}](ctx, p, r.key(generation, s), s)
}

// checkpoint is the change of a reactor's row, which is its version and nothing else.
func checkpoint(_, now struct{}, _ es.Stream) Change { return Change{Data: now} }

func (r *Reactor[S]) due(ctx context.Context, p *Projector, d Deadline) ([]Reaction, es.Version, error) {
	state, version, _, err := es.FoldAt(ctx, p.Store, d.Stream, es.Moment{Version: d.Decided}, r.Apply)
	if err != nil {
		return nil, 0, err
	}
	return r.Due(d, state), version, nil
}

// origin is what reactions come from: an event, or the deadline that was set for one.
type origin struct {
	id            string // those of the reactions derive from it
	reactor       string
	stream        es.Stream
	version       es.Version
	causationID   string
	correlationID string
	trace         string
	at            time.Time // of the event, if it is what they come from; else zero
}

func (r *Reactor[S]) originOf(e es.Recorded) origin {
	return origin{
		id:      es.DeriveID("event", r.Name, string(e.Stream), strconv.FormatUint(uint64(e.Version), 10)),
		reactor: r.Name, stream: e.Stream, version: e.Version,
		causationID: e.Meta.CommandID, correlationID: e.Meta.CorrelationID, trace: e.Meta.Trace, at: e.At,
	}
}

// carryOut does one thing after the other. Each has an id that is the same in every try: the
// command id, the deadline's id, and what a call to somebody outside will carry as its
// idempotency key.
func (p *Projector) carryOut(ctx context.Context, reactions []Reaction, o origin) error {
	for place, reaction := range reactions {
		id := es.DeriveID("reaction", o.id, strconv.Itoa(place))
		var err error
		switch {
		case reaction.Command != nil:
			_, err = p.Executor.Execute(ctx, es.Meta{
				CommandID: id, CorrelationID: o.correlationID, CausationID: o.causationID, Actor: "reactor:" + o.reactor, Trace: o.trace,
			}, nil, reaction.Command)
		case reaction.Deadline != nil:
			err = p.Deadlines.SetDeadline(ctx, reaction.Deadline.setBy(o, id))
		case reaction.Effect != nil:
			if err = p.perform(ctx, reaction.Effect, o, id); passing(err) && !o.at.IsZero() {
				stats.From(ctx).Failed("", fmt.Errorf("reactor %s tries an effect again later: %w", o.reactor, err))
				d := Deadline{At: p.later(o.at), Effect: place + 1}
				err = p.Deadlines.SetDeadline(ctx, d.setBy(o, id))
			}
		}
		if forGood(err) {
			return &RefusedError{o.stream, o.version, err}
		}
		if err != nil {
			return fmt.Errorf("react to version %d of a %s: %w", o.version, o.stream.Category(), err)
		}
	}
	return nil
}

// perform makes a call outside and carries out what it leads to.
func (p *Projector) perform(ctx context.Context, e Effect, o origin, id string) error {
	limited, cancel := context.WithTimeout(ctx, EffectLimit)
	defer cancel()
	reactions, err := e.Perform(limited, id)
	if err != nil {
		return err
	}
	o.id, o.at = id, time.Time{}
	return p.carryOut(ctx, reactions, o)
}

// later is when an effect is tried again because of an event: the longer ago the event is, the
// longer it takes.
func (p *Projector) later(event time.Time) time.Time {
	now := p.Now()
	return now.Add(min(max(now.Sub(event), time.Minute), time.Hour)).UTC().Truncate(time.Millisecond)
}

// passing tells an error that may pass.
func passing(err error) bool { return err != nil && !forGood(err) }

// forGood tells a refusal and an error that will come again from one that may pass.
func forGood(err error) bool {
	if _, again := deterministic(err, 0); again {
		return true
	}
	var refusal *es.Error
	return errors.As(err, &refusal) && refusal.Kind != es.Unavailable && !errors.Is(err, es.ErrConflict)
}
