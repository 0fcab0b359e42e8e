package es

import (
	"context"
	"strings"
	"time"
)

// Filter selects commits of all streams. Its zero value selects every one.
type Filter struct {
	Prefix        string    // of the streams' names
	First         bool      // the first commit of each stream only
	Actor         string    // "": of anybody
	CorrelationID string    // "": of any request
	From, To      time.Time // when they were made, both included; zero: no bound
}

// Place is that of a commit among all commits of a store.
type Place struct {
	Stream  Stream
	Version Version
}

// Place is that of the item, also if it is damaged.
func (s Scanned) Place() Place {
	if s.Err != nil {
		return Place{s.Err.Stream, s.Err.Version}
	}
	return Place{s.Commit.Stream, s.Commit.Version}
}

// Searcher finds commits by reading them one after the other, in an order of the store's own.
type Searcher interface {
	// Search looks at so many of the commits after a place, or at fewer, and gives those that
	// the filter selects, with damaged ones whose attributes say as much. The zero place is
	// the beginning. next is the place of the last commit that was looked at, nil at the end.
	// What was stored a moment ago may not be seen yet.
	Search(ctx context.Context, f Filter, after Place, look int) (found []Scanned, next *Place, err error)
}

// SearchableStore is a store whose commits can be searched.
type SearchableStore interface {
	Store
	Searcher
}

// Selects reports whether the filter selects a commit.
func (f Filter) Selects(c Commit) bool {
	return strings.HasPrefix(string(c.Stream), f.Prefix) &&
		(!f.First || c.Version == 1) &&
		(f.Actor == "" || c.Actor == f.Actor) &&
		(f.CorrelationID == "" || c.CorrelationID == f.CorrelationID) &&
		(f.From.IsZero() || !c.At.Before(f.From)) &&
		(f.To.IsZero() || !c.At.After(f.To))
}
