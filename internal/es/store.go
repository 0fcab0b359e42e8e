package es

import (
	"context"
	"fmt"
	"iter"
)

// Store keeps commits. Implementations are held to the contract suite in estest.
type Store interface {
	// Append stores all of the commits, each of another stream, or none. It returns
	//   - nil when they are durable, exactly once, also if the reply to an earlier try of
	//     these same commits was lost;
	//   - [ErrConflict] when a stream already has a commit at that version; nothing is stored;
	//   - [ErrTooLarge] when they can't be stored at all; nothing is stored;
	//   - [ErrUnavailable] when it is not known whether they were stored. Appending the same
	//     commits again is safe and settles it;
	//   - any other error when the request itself is wrong; nothing is stored.
	Append(ctx context.Context, commits ...Pending) error

	// Read gives the commits of one stream whose first version lies in the range, in order.
	// It sees every commit whose Append returned nil before Read was called. Iteration ends
	// at the first error.
	Read(ctx context.Context, s Stream, r Range) iter.Seq2[Commit, error]
}

// Range selects commits by the version of their first event. The zero value is the whole
// stream.
type Range struct {
	After    Version // only greater versions
	Through  Version // only versions up to and including this one; 0: no bound
	Backward bool    // newest first
	Limit    int     // at most so many commits; 0: all
}

// MaxCommitBytes bounds a commit's values. A DynamoDB item holds 400 KB, names included.
const MaxCommitBytes = 390 << 10

// MaxAppendBytes bounds all commits of one Append together. A DynamoDB transaction holds
// 4 MB and 100 items.
const MaxAppendBytes = 3900 << 10

const maxAppendCommits = 100

// CheckAppend refuses, before anything is written, what no store is allowed to accept:
// [ErrTooLarge], or an error for two commits of one stream.
func CheckAppend(commits []Pending) error {
	total := 0
	seen := make(map[Stream]bool, len(commits))
	for _, p := range commits {
		size := p.commit.size()
		total += size
		if size > MaxCommitBytes {
			return fmt.Errorf("a commit of %d bytes to a %s stream: %w", size, p.commit.Stream.Category(), ErrTooLarge)
		}
		if seen[p.commit.Stream] {
			return fmt.Errorf("append: two commits for one %s stream", p.commit.Stream.Category())
		}
		seen[p.commit.Stream] = true
	}
	if total > MaxAppendBytes || len(commits) > maxAppendCommits {
		return fmt.Errorf("%d commits of %d bytes in one append: %w", len(commits), total, ErrTooLarge)
	}
	return nil
}

// eventOverhead is what DynamoDB counts for an event besides its values: the names of its four
// attributes, 1 byte for each of them, and 4 for the map in its list (Amazon DynamoDB
// Developer Guide, "DynamoDB item sizes and formats").
const eventOverhead = 32

func (c Commit) size() int {
	n := len(c.Stream) + len(c.CommandID) + len(c.Fingerprint) + len(c.CorrelationID) + len(c.CausationID) + len(c.Actor) + len(c.Trace) + 2*len(c.Hash)
	for _, e := range c.Events {
		n += eventOverhead + 2*len(e.Type) + len(e.JSON) + len(e.Sealed) + len(e.Subject)
	}
	return n
}
