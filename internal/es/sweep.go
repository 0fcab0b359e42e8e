package es

import (
	"context"
	"iter"
	"sync"
)

// Scanner reads all commits of all streams.
type Scanner interface {
	// Scan gives one of several parts of all commits, each stream whole, its commits in a
	// row and in order, page by page from a place that an earlier page ended at, or from the
	// start if that is nil. The reads are consistent. Iteration ends at the first error.
	Scan(ctx context.Context, part, parts int, after []byte) iter.Seq2[Page, error]
	// Count gives the number of commits; it may be hours old.
	Count(ctx context.Context) (int64, error)
}

// Page is a page of a scan.
type Page struct {
	Commits []Scanned
	Next    []byte // the place that it ends at; nil: there is no more
}

// Scanned is an item that a scan has found: a commit, or what is wrong with it.
type Scanned struct {
	Commit Commit
	Err    *DamagedError // nil: nothing
}

// Stream is that of the item, also if it is damaged.
func (s Scanned) Stream() Stream {
	if s.Err != nil {
		return s.Err.Stream
	}
	return s.Commit.Stream
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
			err := sweep(ctx, store, store.Scan(ctx, part, parts, nil), func(r Report) {
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

func sweep(ctx context.Context, store Store, pages iter.Seq2[Page, error], report func(Report)) error {
	var c *chain
	finish := func() error {
		if c == nil {
			return nil
		}
		r := c.report
		if !r.OK() {
			// A scan may end a stream before what was written last; the stream itself counts.
			var err error
			if r, err = Verify(ctx, store, r.Stream); err != nil {
				return err
			}
		}
		report(r)
		return nil
	}
	for page, err := range pages {
		if err != nil {
			return err
		}
		for _, item := range page.Commits {
			if c == nil || c.report.Stream != item.Stream() {
				if err := finish(); err != nil {
					return err
				}
				c = &chain{tip: StartOf(item.Stream()), report: Report{Stream: item.Stream()}}
			}
			if c.report.OK() {
				c.add(item.Commit, item.err())
			}
		}
	}
	return finish()
}

func (s Scanned) err() error {
	if s.Err != nil {
		return s.Err
	}
	return nil
}
