package projection

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/trace"
)

// Deadline is a moment at which a reactor is asked what is to be done.
type Deadline struct {
	Name string    // which of the reactor's deadlines it is
	At   time.Time // UTC, whole milliseconds

	// What follows is filled in when the deadline is set.

	ID            string // the same whenever the same deadline is set
	Reactor       string
	Stream        es.Stream  // of the event that it was set for
	Version       es.Version // of that event
	CausationID   string     // of the commands that it leads to
	CorrelationID string
	Trace         string
	Decided       es.Version // of the stream when it was decided what is to be done; 0: it was not yet
	Parked        bool       // it could not be answered, and waits for a redrive
	Effect        int        // it is for trying again the effect at this place, from 1, among the reactions to the event; 0: it is not
}

// setBy is the deadline with everything filled in.
func (d Deadline) setBy(o origin, id string) Deadline {
	return Deadline{
		Name: d.Name, At: d.At.UTC().Truncate(time.Millisecond), ID: id, Reactor: o.reactor, Stream: o.stream, Version: o.version,
		CausationID: o.causationID, CorrelationID: o.correlationID, Trace: o.trace, Effect: d.Effect,
	}
}

// origin is where what is done because of a deadline comes from: the event that it was set
// for, by way of the deadline.
func (d Deadline) origin() origin {
	return origin{
		id: d.ID, reactor: d.Reactor, stream: d.Stream, version: d.Version,
		causationID: d.CausationID, correlationID: d.CorrelationID, trace: d.Trace,
	}
}

// Shard is the shard that the deadline is kept in.
func (d Deadline) Shard() int { return DeadlineShard(d.ID) }

// DeadlineShards is how many shards the deadlines are kept in, so that no one partition of a
// table has them all.
const DeadlineShards = 8

// DeadlineShard is the shard of the deadline with this id.
func DeadlineShard(id string) int {
	h := fnv.New32a()
	h.Write([]byte(id))
	return int(h.Sum32() % DeadlineShards)
}

// DeadlineStore keeps deadlines.
type DeadlineStore interface {
	// SetDeadline keeps a deadline, parked or not. Setting one that is there again, at the same
	// time, changes nothing, unless it is decided or parked now.
	SetDeadline(ctx context.Context, d Deadline) error
	// ClearDeadline forgets a deadline, parked or not, if it is there. A parked one and one with
	// the same id that is not parked are two.
	ClearDeadline(ctx context.Context, d Deadline) error
	// ListDue gives a page of the deadlines of a shard that are not parked and due by a
	// moment, earliest first, from after on; next is "" at the end. It may be a moment old.
	ListDue(ctx context.Context, shard int, by time.Time, after string, limit int) (page []Deadline, next string, err error)
	// LoadParkedDeadline gives a deadline that is parked; ok is false if there is none with
	// this id.
	LoadParkedDeadline(ctx context.Context, id string) (d Deadline, ok bool, err error)
}

// deadlineCategory is that of the names under which deadlines are parked. No events are on
// such streams.
const deadlineCategory = "deadline"

// Clock has deadlines that are due answered by their reactors. A crash at any moment has a
// deadline answered again with the same ids, which changes nothing, and so have two clocks
// at once.
type Clock struct{ *Projector }

// duePage is how many deadlines are read at once.
const duePage = 25

// Tick answers what is due, and begins with no more at the moment until: the next tick goes on.
// A deadline that can never be answered is parked and counts as answered. One that fails in
// passing stays due, and the others go on; the error tells of the first such.
func (c *Clock) Tick(ctx context.Context, until time.Time) (answered int, err error) {
	var (
		mu     sync.Mutex
		failed int
		now    = c.Now()
	)
	note := func(failure error) {
		mu.Lock()
		defer mu.Unlock()
		if failure == nil {
			answered++
			return
		}
		if failed++; failed == 1 {
			err = failure
		}
	}
	shards := make([]int, DeadlineShards)
	for shard := range shards {
		shards[shard] = shard
	}
	sideBySide(c.parallel(), shards, func(shard int) {
		for after, more := "", true; more; more = after != "" {
			page, next, err := c.Deadlines.ListDue(ctx, shard, now, after, duePage)
			if err != nil {
				note(err)
				return
			}
			for _, d := range page {
				if !c.Now().Before(until) {
					return
				}
				command, _ := trace.Parse(d.Trace)
				stats.From(ctx).Took(stats.Cause{CorrelationID: d.CorrelationID, Context: command})
				_, err := c.answer(ctx, d)
				note(err)
			}
			after = next
		}
	})
	if failed > 1 {
		err = fmt.Errorf("%w (and %d more errors)", err, failed-1)
	}
	return answered, err
}

// answer does what is to be done because of a deadline and forgets it, or parks it and reports
// that. The parked deadline comes before its note, so that a redrive of the note finds it, and
// the other ends last: at every moment one of the two is there.
func (p *Projector) answer(ctx context.Context, d Deadline) (parked bool, err error) {
	err = p.reactTo(ctx, d)
	switch {
	case err == nil:
		return false, p.Deadlines.ClearDeadline(ctx, d)
	case errors.As(err, new(*postponedError)):
		return false, errors.Join(fmt.Errorf("reactor %s: %w", d.Reactor, err), p.Deadlines.ClearDeadline(ctx, d))
	case !forGood(err):
		return d.Parked, fmt.Errorf("answer a deadline of reactor %s: %w", d.Reactor, err)
	}
	now := p.Now()
	note := Parked{
		View: d.Reactor, Generation: First.Live, Stream: d.parkedAs(), Version: d.Version,
		Error: fmt.Sprintf("deadline %s: %v", d.Name, err), Attempts: 1, FirstAt: now, LastAt: now,
	}
	kept := d
	kept.Parked = true
	if err := p.Deadlines.SetDeadline(ctx, kept); err != nil {
		return d.Parked, err
	}
	if err := p.Parked.Park(ctx, note); err != nil {
		return d.Parked, err
	}
	stats.From(ctx).Failed("", fmt.Errorf("parked for %s: %w", d.Reactor, err))
	if d.Parked {
		return true, nil
	}
	return true, p.Deadlines.ClearDeadline(ctx, d)
}

func (d Deadline) parkedAs() es.Stream { return es.NewStream(deadlineCategory, d.ID) }

// reactTo does what is to be done because of a deadline; a panic comes out as an error.
func (p *Projector) reactTo(ctx context.Context, d Deadline) (err error) {
	defer recovered(&err, d.Stream, d.Version)
	for _, projection := range p.Projections {
		if r, ok := projection.(reactor); ok && r.name() == d.Reactor {
			if d.Effect > 0 {
				return p.tryAgain(ctx, r, d)
			}
			reactions, version, err := r.due(ctx, p, d)
			if err != nil {
				return err
			}
			if len(reactions) > 1 && d.Decided == 0 {
				// The first may change what would be decided about the second after a crash.
				d.Decided = version
				if err := p.Deadlines.SetDeadline(ctx, d); err != nil {
					return err
				}
			}
			return p.carryOut(ctx, reactions, d.origin())
		}
	}
	return &RefusedError{d.Stream, d.Version, fmt.Errorf("there is no reactor %s", d.Reactor)}
}

// effectPatience is for how long after an event its effects are tried.
const effectPatience = 24 * time.Hour

// postponedError reports an effect that failed and will be tried again.
type postponedError struct{ err error }

func (e *postponedError) Error() string { return e.err.Error() }
func (e *postponedError) Unwrap() error { return e.err }

// tryAgain performs an effect that was postponed, and postpones it once more if that fails.
func (p *Projector) tryAgain(ctx context.Context, r reactor, d Deadline) error {
	e, effect, err := r.postponed(ctx, p, d)
	if err != nil {
		return err
	}
	err = p.perform(ctx, effect, d.origin(), d.ID)
	switch {
	case !passing(err) || d.Parked:
		return err
	case p.Now().Sub(e.At) >= effectPatience:
		return &RefusedError{d.Stream, d.Version, fmt.Errorf("tried for %v: %w", effectPatience, err)}
	}
	d.At = p.later(e.At)
	if err := p.Deadlines.SetDeadline(ctx, d); err != nil {
		return err
	}
	return &postponedError{err}
}

// redriveDeadline tries again to answer a parked deadline.
func (p *Projector) redriveDeadline(ctx context.Context, parked Parked) (still bool, err error) {
	d, ok, err := p.Deadlines.LoadParkedDeadline(ctx, parked.Stream.ID())
	if err != nil {
		return true, err
	}
	if ok {
		if still, err := p.answer(ctx, d); still || err != nil {
			return true, err
		}
	}
	return false, p.Parked.Unpark(ctx, parked.View, parked.Generation, parked.Stream, parked.Version)
}
