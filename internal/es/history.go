package es

import (
	"context"
	"fmt"
)

// Cursor is a place between two events of a stream, as [History] gives it. The zero value
// is the beginning.
type Cursor struct {
	Commit Version // the first version of the commit that the next event is in, or of one before it
	Skip   int     // how many of that commit's events come before the place
}

// History gives at most limit events of a stream, from a place on, and the place to go on
// from. more is false at the end of the stream.
func History(ctx context.Context, store Store, s Stream, from Cursor, limit int) (page []Recorded, next Cursor, more bool, err error) {
	r := Range{Limit: limit + 1} // one event more than asked for tells whether there are more
	if from.Commit > 0 {
		r.After = from.Commit - 1
		r.Limit++
	}
	for c, err := range store.Read(ctx, s, r) {
		var recorded []Recorded
		if err == nil {
			recorded, err = c.Recorded()
		}
		if err != nil {
			return nil, Cursor{}, false, fmt.Errorf("read the history of a %s: %w", s.Category(), err)
		}
		skip := 0
		if c.Version == from.Commit {
			skip = min(from.Skip, len(recorded))
		}
		for i, e := range recorded[skip:] {
			if len(page) == limit {
				return page, Cursor{c.Version, skip + i}, true, nil
			}
			page = append(page, e)
		}
	}
	return page, Cursor{}, false, nil
}
