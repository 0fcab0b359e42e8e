// Package projection keeps read models in step with the events: views with a row for each
// stream, tallies over many streams, and snapshots.
//
// A stream record is only a doorbell. A row carries the version of its stream that it shows;
// a commit that comes next is applied, one that was seen is acknowledged, and what is
// missing before it is read from the events. So records may come in any order, again, or not
// at all, and a row always comes to what folding the events gives.
package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// View is a read model with one row for each stream of a category.
type View[R any] struct {
	Name     string
	Category string
	// Apply gives the row as it is after one more event. It is pure; the zero row is that of
	// a stream on which nothing has happened. It must leave the row it is given as it was.
	Apply func(row R, e es.Recorded) R
	// Lists says where a row stands in each of the view's lists.
	Lists [Lists]func(R) Place
}

// Projection is what the [Projector] keeps in step.
type Projection interface {
	name() string
	covers(es.Stream) bool
	wakes([]es.Commit) bool // one of these commits, of a stream that it covers, is a reason to follow
	generational() bool     // there are generations of it, so it can be rebuilt
	// follow brings what the projection has of one stream up to these commits, which are in
	// order. It tells what it saved, also if it could not go all the way.
	follow(ctx context.Context, p *Projector, generation int, s es.Stream, commits []es.Commit) (saved, error)
	// fresh gives the row of a stream that has none yet, as these commits make it. ok is false
	// if they do not, or not by themselves.
	fresh(generation int, s es.Stream, commits []es.Commit) (c Change, ok bool)
	// park marks the stream's row, unless it has got past the version that was in the way.
	park(ctx context.Context, p *Projector, generation int, s es.Stream, version, through es.Version) (past bool, err error)
	// parked reports whether the row is marked; if it is not, there is no note either.
	parked(ctx context.Context, p *Projector, generation int, s es.Stream) (bool, error)
}

func (v *View[R]) name() string            { return v.Name }
func (v *View[R]) covers(s es.Stream) bool { return s.Category() == v.Category }
func (v *View[R]) wakes([]es.Commit) bool  { return true }
func (v *View[R]) generational() bool      { return true }

func (v *View[R]) change(was, now R, _ es.Stream) (c Change) {
	c.Data = now
	for i, place := range v.Lists {
		if place != nil {
			c.Places[i] = place(now)
		}
	}
	return c
}

func (v *View[R]) follow(ctx context.Context, p *Projector, generation int, s es.Stream, commits []es.Commit) (saved, error) {
	return follow(ctx, p, Key{v.Name, generation, s.ID()}, s, commits, v.Apply, v.change, true)
}

func (v *View[R]) fresh(generation int, s es.Stream, commits []es.Commit) (c Change, ok bool) {
	var none R
	f := folding[R]{apply: v.Apply}
	for _, next := range commits {
		if f.add(next) != nil {
			return c, false
		}
	}
	c, err := changed(v.change, none, f.row, s, f.version)
	c.Key, c.Now = Key{v.Name, generation, s.ID()}, Row{Version: f.version}
	return c, err == nil
}

func (v *View[R]) park(ctx context.Context, p *Projector, generation int, s es.Stream, version, through es.Version) (bool, error) {
	return park[R](ctx, p, Key{v.Name, generation, s.ID()}, s, version, through, v.change)
}

func (v *View[R]) parked(ctx context.Context, p *Projector, generation int, s es.Stream) (bool, error) {
	return parked[R](ctx, p, Key{v.Name, generation, s.ID()}, s)
}

func (v *View[R]) stream(id string) es.Stream { return es.NewStream(v.Category, id) }

func (v *View[R]) clean(_ int, s es.Stream) clean { return newClean(s, v.Apply, v.change) }

// saved is which versions of its stream a row showed and shows; nothing was saved if they are
// the same.
type saved struct{ was, now es.Version }

// follow is the way of a row from one version of its stream to a later one. If it cannot go
// all the way it goes as far as it can and returns what is in the way. anew says that a row
// of another shape can be replaced by one that is folded from the beginning.
func follow[R any](ctx context.Context, p *Projector, key Key, s es.Stream, commits []es.Commit,
	apply func(R, es.Recorded) R, change func(was, now R, s es.Stream) Change, anew bool) (done saved, err error) {
	bring := func(was R, row Row, from es.Version) error {
		f := folding[R]{apply: apply, row: was, version: from}
		obstacle := catchUp(ctx, p.Store, s, &f, commits)
		if end := max(row.Parked, row.Version); obstacle == nil && end > f.version {
			obstacle = readOn(ctx, p.Store, s, &f, end) // nobody else will come with that
		}
		if f.version < row.Version || f.version == from {
			return obstacle
		}
		c, err := changed(change, was, f.row, s, f.version)
		if err != nil {
			return err
		}
		c.Key, c.Was, c.Now = key, row, Row{Version: f.version}
		if obstacle != nil {
			c.Now.Parked = row.Parked
		}
		if err := p.Rows.Save(ctx, c); err != nil {
			return err
		}
		if done.now == 0 {
			done.was = c.Was.Version // else another try has saved something before
		}
		done.now = c.Now.Version
		if row.Parked > 0 && obstacle == nil {
			return p.Parked.Unpark(ctx, key.View, key.Generation, s, f.version)
		}
		return obstacle
	}
	if commits[0].Version == 1 {
		// A stream's first commit most likely meets no row. Assuming so saves a read; if
		// there is one after all, nothing is saved over it.
		var none R
		if err := bring(none, Row{}, 0); err == nil {
			return done, nil
		}
	}
	err = retry(ctx, func() error {
		var was R
		row, err := p.Rows.Load(ctx, key, &was, true)
		if anew && errors.Is(err, ErrShape) {
			var none R
			return bring(none, row, 0)
		}
		if err != nil {
			return err
		}
		return bring(was, row, row.Version)
	})
	return done, err
}

// changed is change with a panic as an error.
func changed[R any](change func(was, now R, s es.Stream) Change, was, now R, s es.Stream, version es.Version) (c Change, err error) {
	defer recovered(&err, s, version)
	return change(was, now, s), nil
}

// park marks a row, so that whoever brings it further on knows that it was parked, and how
// far it has to come.
func park[R any](ctx context.Context, p *Projector, key Key, s es.Stream, version, through es.Version, change func(was, now R, s es.Stream) Change) (past bool, err error) {
	err = retry(ctx, func() error {
		var was R
		row, err := p.Rows.Load(ctx, key, &was, true)
		if errors.Is(err, ErrShape) {
			return nil // it can't be marked; the note says what is to be done
		}
		past = row.Version >= version
		if err != nil || past || row.Parked >= through {
			return err
		}
		c, err := changed(change, was, was, s, version)
		if err != nil || row.Version == 0 {
			c = Change{Data: was} // there is nothing that a list could show
		}
		c.Key, c.Was, c.Now = key, row, Row{row.Version, through}
		return p.Rows.Save(ctx, c)
	})
	return past, err
}

// parked reports whether a row is marked. A note whose row is not marked is left over from
// a crash, before the row was marked or after it was healed, and is removed: if anything is
// wrong with the row, the record that tells so has not been acknowledged. What is noted
// beyond the row's version is on its way to be marked.
func parked[R any](ctx context.Context, p *Projector, key Key, s es.Stream) (bool, error) {
	var row R
	stored, err := p.Rows.Load(ctx, key, &row, true)
	if errors.Is(err, ErrShape) {
		return true, nil
	}
	if err != nil || stored.Parked > 0 {
		return stored.Parked > 0, err
	}
	return false, p.Parked.Unpark(ctx, key.View, key.Generation, s, stored.Version)
}

// folding is a row on its way to a later version.
type folding[R any] struct {
	apply   func(R, es.Recorded) R
	row     R
	version es.Version
}

func (f *folding[R]) reached() es.Version { return f.version }

// add applies the next commit; one that the row has seen changes nothing.
func (f *folding[R]) add(c es.Commit) error {
	if next, err := isNext(f.version, c); !next {
		return err
	}
	recorded, err := c.Recorded()
	if err != nil {
		return err
	}
	row := f.row
	for _, r := range recorded {
		if row, err = attempt(f.apply, row, r); err != nil {
			return err
		}
	}
	f.row, f.version = row, c.Last()
	return nil
}

// isNext reports whether a commit comes right after a version of its stream. If it is not, and
// has not been seen, something is missing.
func isNext(version es.Version, c es.Commit) (bool, error) {
	if c.Last() > version && c.Version != version+1 {
		return false, &es.DamagedError{Stream: c.Stream, Version: version + 1, Reason: fmt.Sprintf("the next commit has version %d", c.Version)}
	}
	return c.Last() > version, nil
}

// follower goes along a stream commit by commit.
type follower interface {
	add(es.Commit) error
	reached() es.Version
}

// catchUp adds the commits, which are in order, and reads from the store what is missing
// between them.
func catchUp(ctx context.Context, store es.Store, s es.Stream, f follower, commits []es.Commit) error {
	for _, c := range commits {
		if c.Version > f.reached()+1 {
			if err := readOn(ctx, store, s, f, c.Version-1); err != nil {
				return err
			}
		}
		if err := f.add(c); err != nil {
			return err
		}
	}
	return nil
}

// readOn adds what the store has of the stream up to a version.
func readOn(ctx context.Context, store es.Store, s es.Stream, f follower, through es.Version) error {
	for c, err := range store.Read(ctx, s, es.Range{After: f.reached(), Through: through}) {
		if err != nil {
			return err
		}
		if err := f.add(c); err != nil {
			return err
		}
	}
	return nil
}

// attempt is apply with a panic as an error.
func attempt[R any](apply func(R, es.Recorded) R, row R, e es.Recorded) (next R, err error) {
	defer recovered(&err, e.Stream, e.Version)
	return apply(row, e), nil
}

// recovered makes a panic an error, when it is deferred. Of the reason it keeps what Go itself
// says: anything else may quote the event.
func recovered(err *error, s es.Stream, version es.Version) {
	switch reason := recover().(type) {
	case nil:
	case runtime.Error:
		*err = &PanicError{s, version, reason.Error()}
	default:
		*err = &PanicError{s, version, fmt.Sprintf("a %T", reason)}
	}
}

// PanicError reports an event on which a projection's code panicked.
type PanicError struct {
	Stream  es.Stream
	Version es.Version
	Reason  string
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("%s version %d: panic: %s", e.Stream, e.Version, e.Reason)
}

// retries bounds how often a row is tried again because another projector was faster.
const retries = 8

func retry(ctx context.Context, try func() error) error {
	for i := range retries {
		if err := try(); !errors.Is(err, es.ErrConflict) {
			return err
		}
		if err := sleep(ctx, rand.N(2*time.Millisecond<<i)); err != nil {
			return err
		}
	}
	return es.ErrConflict
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func inOrder(commits []es.Commit) []es.Commit {
	return slices.SortedFunc(slices.Values(commits), func(a, b es.Commit) int { return cmp.Compare(a.Version, b.Version) })
}
