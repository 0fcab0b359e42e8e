package es

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Repository is where aggregates are loaded from.
type Repository struct {
	Store     Store
	Snapshots SnapshotStore // nil: whole streams are folded
	Cache     *Cache        // nil: nothing is remembered
	Vault     Vault         // that what is written is sealed with; nil: nothing is sealed
}

// tail is how many commits a cold load reads first, newest first. It is the whole of most
// streams; of a longer one the snapshot has what lies before. More would cost a load of a
// long stream more than the design allows it, fewer would miss the snapshot more often.
const tail = 12

// Folded is an aggregate's state with the place in the stream it was folded to.
type Folded[S any] struct {
	State  S
	Tip    Tip
	recent recent
	size   size
	// rejected is the hash of the stream's snapshot if that was made after commits that the
	// stream does not have; zero: there is none.
	rejected Hash
}

// Load folds a stream to its present state: what follows the cached state, or else what
// follows a snapshot, or else the whole stream.
func (a *Aggregate[S, E]) Load(ctx context.Context, r *Repository, id string) (Folded[S], error) {
	s := NewStream(a.Category, id)
	f, ok := a.cached(r.Cache, s)
	var err error
	if ok {
		f, err = a.follow(ctx, r.Store, f, Range{After: f.Tip.Version()})
	} else {
		f, err = a.loadCold(ctx, r, s)
	}
	if err != nil {
		return Folded[S]{}, fmt.Errorf("load %s: %w", a.Category, err)
	}
	a.keep(r.Cache, f)
	return f, nil
}

func (a *Aggregate[S, E]) loadCold(ctx context.Context, r *Repository, s Stream) (Folded[S], error) {
	start := Folded[S]{Tip: StartOf(s)}
	if r.Snapshots == nil {
		return a.follow(ctx, r.Store, start, Range{})
	}
	var newest []Commit
	for c, err := range r.Store.Read(ctx, s, Range{Backward: true, Limit: tail}) {
		if err != nil {
			return start, err
		}
		newest = append(newest, c)
	}
	slices.Reverse(newest)
	if len(newest) == 0 || newest[0].Version == 1 {
		return a.complete(ctx, r.Store, start, newest)
	}
	snapshot, hash, err := a.snapshot(ctx, r, s)
	if err != nil {
		return start, err
	}
	f, err := a.complete(ctx, r.Store, snapshot, newest)
	if damaged := (*DamagedError)(nil); errors.As(err, &damaged) && snapshot.Tip.Version() > 0 {
		// The snapshot may be of another past, if the events were restored from a backup.
		f, err = a.complete(ctx, r.Store, start, newest)
		f.rejected = hash
	}
	return f, err
}

// complete folds what lies between f and the newest commits, and then these.
func (a *Aggregate[S, E]) complete(ctx context.Context, store Store, f Folded[S], newest []Commit) (_ Folded[S], err error) {
	if len(newest) == 0 {
		return f, nil
	}
	if end := newest[len(newest)-1].Last(); f.Tip.Version() > end {
		return f, &DamagedError{f.Tip.Stream(), end + 1, fmt.Sprintf("a snapshot says that the stream has version %d", f.Tip.Version())}
	}
	if before := newest[0].Version - 1; f.Tip.Version() < before {
		if f, err = a.follow(ctx, store, f, Range{After: f.Tip.Version(), Through: before}); err != nil {
			return f, err
		}
	}
	for _, c := range newest {
		switch {
		case c.Last() < f.Tip.Version():
		case c.Last() == f.Tip.Version() && c.Hash != f.Tip.hash:
			return f, &DamagedError{c.Stream, c.Version, "a snapshot was made after another commit"}
		case c.Last() == f.Tip.Version():
		default:
			if f, err = a.fold(f, c); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// follow folds more commits of the stream.
func (a *Aggregate[S, E]) follow(ctx context.Context, store Store, f Folded[S], r Range) (Folded[S], error) {
	for c, err := range store.Read(ctx, f.Tip.Stream(), r) {
		if err != nil {
			return f, err
		}
		if f, err = a.fold(f, c); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (a *Aggregate[S, E]) fold(f Folded[S], c Commit) (Folded[S], error) {
	tip, err := f.Tip.Follow(c)
	if err != nil {
		return f, err
	}
	for i, d := range c.Events {
		version := c.Version + Version(i)
		decoded, err := d.decode()
		if err != nil {
			return f, &UnreadableError{c.Stream, version, err}
		}
		e, ok := decoded.(E)
		if !ok {
			return f, a.foreign(c.Stream, version, d.Type)
		}
		f.State = f.State.Evolve(e)
		f.size.since += len(d.JSON) + len(d.Sealed)
	}
	f.Tip = tip
	f.recent.add(c)
	return f, nil
}
