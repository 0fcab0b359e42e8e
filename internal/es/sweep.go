package es

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// Scanner reads all commits of all streams.
type Scanner interface {
	// Scan gives one of several parts of all commits, each stream whole, its commits in a
	// row and in order. An item that is no commit comes as a [*DamagedError], after which
	// the scan goes on; at any other error it ends.
	Scan(ctx context.Context, part, parts int) iter.Seq2[Commit, error]
}

// ScannableStore is a store that can be read as a whole.
type ScannableStore interface {
	Store
	Scanner
}

// Sweep verifies every stream of a store in one scan, as [Verify] does without witnesses,
// and hands over each stream's report as it is done. parts scans run side by side; report is
// called by one of them at a time.
func Sweep(ctx context.Context, store ScannableStore, parts int, report func(Report)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg sync.WaitGroup
		mu sync.Mutex
	)
	for part := range parts {
		wg.Go(func() {
			err := sweep(ctx, store, store.Scan(ctx, part, parts), func(r Report) {
				mu.Lock()
				defer mu.Unlock()
				report(r)
			})
			if err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func sweep(ctx context.Context, store Store, commits iter.Seq2[Commit, error], report func(Report)) error {
	var c *chain
	finish := func() error {
		if c == nil {
			return nil
		}
		r := c.report
		if !r.OK() {
			// A scan is not a consistent read; what the stream itself says counts.
			var err error
			if r, err = Verify(ctx, store, r.Stream); err != nil {
				return err
			}
		}
		report(r)
		return nil
	}
	for commit, err := range commits {
		stream := commit.Stream
		if damaged := (*DamagedError)(nil); errors.As(err, &damaged) {
			stream = damaged.Stream
		} else if err != nil {
			return err
		}
		if c == nil || c.report.Stream != stream {
			if err := finish(); err != nil {
				return err
			}
			c = &chain{tip: StartOf(stream), report: Report{Stream: stream}}
		}
		if c.report.OK() {
			c.add(commit, err)
		}
	}
	return finish()
}
