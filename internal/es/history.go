package es

import (
	"context"
	"fmt"
	"slices"
)

// Cursor is a place between two events of a stream, as [History] gives it. It can be gone on
// from in both directions.
type Cursor struct {
	Commit Version // the first version of the commit that the place is in
	Skip   int     // how many of that commit's events come before the place
}

// History gives at most limit events of a stream: from a place on, or backwards from it, and
// the place to go on from. No place is the beginning of the stream, or its end if backward.
// next is nil if there are no more events.
func History(ctx context.Context, store Store, s Stream, from *Cursor, limit int, backward bool) (page []Recorded, next *Cursor, err error) {
	for c, err := range store.Read(ctx, s, historyRange(from, limit, backward)) {
		var recorded []Recorded
		if err == nil {
			recorded, err = c.Recorded()
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the history of a %s: %w", s.Category(), err)
		}
		first, last := 0, len(recorded)
		if from != nil && c.Version == from.Commit {
			if place := min(from.Skip, len(recorded)); backward {
				last = place
			} else {
				first = place
			}
		}
		events := recorded[first:last]
		room := limit - len(page)
		if backward {
			slices.Reverse(events)
		}
		if len(events) > room {
			page = append(page, events[:room]...)
			if backward {
				return page, &Cursor{c.Version, last - room}, nil
			}
			return page, &Cursor{c.Version, first + room}, nil
		}
		page = append(page, events...)
	}
	return page, nil, nil
}

// historyRange reads one commit more than can be needed, which tells whether there are more
// events, and another one if the first may lie wholly on the other side of the place.
func historyRange(from *Cursor, limit int, backward bool) Range {
	r := Range{Limit: limit + 1, Backward: backward}
	if from != nil {
		r.Limit++
		if backward {
			r.Through = from.Commit
		} else {
			r.After = from.Commit - 1
		}
	}
	return r
}
