package es

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// View is a read model with one row for each stream of a category.
type View[R any] struct {
	Name     string
	Category string
	// Apply gives the row as it is after one more event. It is pure and never fails; the
	// zero row is that of a stream on which nothing has happened.
	Apply func(row R, e Recorded) R
}

// RowKey names a row of a view.
type RowKey struct{ View, ID string }

// Rows keeps the rows of views. A row carries the version of its stream that it shows.
type Rows interface {
	// Load decodes a row into the pointer and gives its version; 0 means that there is no
	// row. A read that is not consistent costs half and may be a moment old.
	Load(ctx context.Context, k RowKey, into any, consistent bool) (Version, error)

	// Save replaces the row if it still is at version was (0: there is none), else the
	// error is [ErrConflict].
	Save(ctx context.Context, k RowKey, row any, was, now Version) error
}

// Projection is what the projector keeps in step with the streams: a view or snapshots.
type Projection interface {
	// Covers reports whether the projection follows the stream.
	Covers(Stream) bool
	// Project brings the projection up to these commits of the stream. They may come in any
	// order, again, or not at all: in the end it always comes to the same.
	Project(ctx context.Context, s Stream, commits []Commit) error
}

// On is the view's projection of a store's streams into rows.
func (v *View[R]) On(store Store, rows Rows) Projection { return projection[R]{v, store, rows} }

type projection[R any] struct {
	*View[R]
	store Store
	rows  Rows
}

// Covers implements [Projection].
func (v projection[R]) Covers(s Stream) bool { return s.Category() == v.Category }

// Project implements [Projection]. Commits that the row has seen change nothing, and those
// missing before them are read from the store.
func (v projection[R]) Project(ctx context.Context, s Stream, commits []Commit) error {
	key := v.key(s.ID())
	commits = slices.SortedFunc(slices.Values(commits), func(a, b Commit) int { return cmp.Compare(a.Version, b.Version) })
	for attempt := range attempts {
		f := folding[R]{apply: v.Apply}
		was, err := v.rows.Load(ctx, key, &f.row, true)
		if err != nil {
			return fmt.Errorf("project to view %s: %w", v.Name, err)
		}
		f.version = was
		if err := f.catchUp(ctx, v.store, s, commits); err != nil {
			return fmt.Errorf("project to view %s: %w", v.Name, err)
		}
		if f.version == was {
			return nil
		}
		if err = v.rows.Save(ctx, key, f.row, was, f.version); !errors.Is(err, ErrConflict) {
			return err
		}
		if err := backOff(ctx, attempt); err != nil {
			return err
		}
	}
	return fmt.Errorf("project to view %s: %w", v.Name, ErrConflict)
}

// folding is a row on its way to a later version.
type folding[R any] struct {
	apply   func(R, Recorded) R
	row     R
	version Version
}

// catchUp applies the commits, which are in order, and reads from the store what is missing
// between them.
func (f *folding[R]) catchUp(ctx context.Context, store Store, s Stream, commits []Commit) error {
	for _, c := range commits {
		if c.Version > f.version+1 {
			for missing, err := range store.Read(ctx, s, Range{After: f.version, Through: c.Version - 1}) {
				if err != nil {
					return err
				}
				if err := f.add(missing); err != nil {
					return err
				}
			}
		}
		if err := f.add(c); err != nil {
			return err
		}
	}
	return nil
}

// add applies the next commit; one that the row has seen changes nothing.
func (f *folding[R]) add(c Commit) error {
	switch {
	case c.Last() <= f.version:
		return nil
	case c.Version != f.version+1:
		return &DamagedError{c.Stream, f.version + 1, fmt.Sprintf("the next commit has version %d", c.Version)}
	}
	recorded, err := c.Recorded()
	if err != nil {
		return err
	}
	for _, r := range recorded {
		f.row = f.apply(f.row, r)
	}
	f.version = c.Last()
	return nil
}

func (v *View[R]) key(id string) RowKey { return RowKey{v.Name, id} }

// patience is how long a read waits, in steps, for the projector to reach a version, before
// it folds the events itself.
var patience = []time.Duration{20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond}

// Get gives a row as of a moment, with its version. A present that the projector has not
// reached yet and a past are folded from the events, so what Get gives is never older than
// asked. ok is false if there was nothing at that moment.
func (v *View[R]) Get(ctx context.Context, store Store, rows Rows, id string, m Moment) (row R, version Version, ok bool, err error) {
	if m.Past() {
		return v.fold(ctx, store, id, m)
	}
	for i := 0; ; i++ {
		var row R
		version, err := rows.Load(ctx, v.key(id), &row, false)
		if err != nil {
			return row, 0, false, fmt.Errorf("read view %s: %w", v.Name, err)
		}
		if version > 0 && version >= m.AtLeast {
			return row, version, true, nil
		}
		if m.AtLeast == 0 || i == len(patience) {
			return v.fold(ctx, store, id, m)
		}
		if err := sleep(ctx, patience[i]); err != nil {
			return row, 0, false, err
		}
	}
}

// fold makes a row from the events alone.
func (v *View[R]) fold(ctx context.Context, store Store, id string, m Moment) (row R, version Version, ok bool, err error) {
	for c, err := range store.Read(ctx, NewStream(v.Category, id), m.through()) {
		var recorded []Recorded
		if err == nil {
			recorded, err = c.Recorded()
		}
		if err != nil {
			return row, 0, false, fmt.Errorf("fold view %s: %w", v.Name, err)
		}
		for _, r := range recorded {
			if !m.includes(r) {
				return row, version, m.reached(version), nil
			}
			row, version = v.Apply(row, r), r.Version
		}
	}
	return row, version, m.reached(version), nil
}
