package es

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Moment says which state of an object is asked for. The zero value is the present.
type Moment struct {
	AtLeast Version   // the present, no older than this version
	Version Version   // exactly this version; 0: no matter
	At      time.Time // as it was then; zero: no matter
}

// Past reports whether a past state is asked for.
func (m Moment) Past() bool { return m.Version > 0 || !m.At.IsZero() }

// includes reports whether an event had happened by then.
func (m Moment) includes(r Recorded) bool {
	return (m.Version == 0 || r.Version <= m.Version) && (m.At.IsZero() || !r.At.After(m.At))
}

// FoldAt folds a stream's events as of a moment and gives the version that it came to. ok is
// false if there was nothing at that moment, or the stream has not reached the version yet.
func FoldAt[R any](ctx context.Context, store Store, s Stream, m Moment, apply func(R, Recorded) R) (row R, version Version, ok bool, err error) {
	for c, err := range store.Read(ctx, s, Range{Through: m.Version}) {
		var recorded []Recorded
		if err == nil {
			recorded, err = c.Recorded()
		}
		if err != nil {
			return row, 0, false, fmt.Errorf("fold a %s: %w", s.Category(), err)
		}
		for _, r := range recorded {
			if !m.includes(r) {
				return row, version, version > 0 && version >= m.Version, nil
			}
			row, version = apply(row, r), r.Version
		}
	}
	return row, version, version > 0 && version >= m.Version, nil
}

// Folder is an aggregate apart from its types.
type Folder interface {
	// Folds reports whether the stream is one of the aggregate's.
	Folds(s Stream) bool
	// FoldAny gives the state of a stream as of a moment, as [FoldAt] does.
	FoldAny(ctx context.Context, store Store, s Stream, m Moment) (state any, version Version, ok bool, err error)
}

// Folds implements [Folder].
func (a *Aggregate[S, E]) Folds(s Stream) bool { return s.Category() == a.Category }

// FoldAny implements [Folder].
func (a *Aggregate[S, E]) FoldAny(ctx context.Context, store Store, s Stream, m Moment) (any, Version, bool, error) {
	var foreign error
	state, version, ok, err := FoldAt(ctx, store, s, m, func(state S, r Recorded) S {
		e, own := r.Event.(E)
		if !own {
			foreign = cmp.Or(foreign, a.foreign(s, r.Version, r.Event.EventType()))
			return state
		}
		return state.Evolve(e)
	})
	return state, version, ok, cmp.Or(err, foreign)
}

// foreign reports an event of another aggregate.
func (a *Aggregate[S, E]) foreign(s Stream, v Version, eventType string) error {
	return &DamagedError{s, v, fmt.Sprintf("%s does not belong on a %s stream", eventType, a.Category)}
}
