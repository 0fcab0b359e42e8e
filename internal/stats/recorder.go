package stats

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Key names sums that are stored: those of a function in one hour, or the rows of all views.
type Key struct{ Part, Period string }

// Store keeps sums.
type Store interface {
	// Add adds sums to those that are stored, until they expire, or for ever if that is zero.
	// A failure leaves it open whether it did.
	Add(ctx context.Context, k Key, s Sums, expires time.Time) error
	// Load gives what is stored of a part for each period from one to another, both included,
	// in their order.
	Load(ctx context.Context, part, from, through string) ([]Sums, error)
}

const (
	// interval is how long an instance gathers numbers before it stores them: with one write,
	// or two if there are new rows or another hour has begun.
	interval = 10 * time.Second
	// kept is how long the sums of an hour are stored.
	kept = 35 * 24 * time.Hour
)

var rowsKey = Key{"rows", "all"}

// hour is the period that a moment is in.
func hour(t time.Time) string { return t.UTC().Format("2006-01-02T15") }

// Recorder adds up what the invocations of one instance of a function did.
type Recorder struct {
	Store    Store
	Function string
	Now      func() time.Time

	mu      sync.Mutex
	pending map[Key]Sums
	own     Cost // of storing the last time, which counts with the next invocation
	stored  time.Time
}

// Add adds what an invocation did that began at a time and has ended now.
func (r *Recorder) Add(record *Record, begun time.Time) {
	now := r.Now()
	s, rows := record.sums(now, now.Sub(begun))
	r.mu.Lock()
	defer r.mu.Unlock()
	s.cost(r.own)
	r.own = Cost{}
	r.keep(Key{r.Function, hour(now)}, s)
	r.keep(rowsKey, rows)
}

// keep merges sums into those that wait to be stored.
func (r *Recorder) keep(k Key, s Sums) {
	if len(s.Added)+len(s.Last) == 0 {
		return
	}
	if r.pending == nil {
		r.pending = map[Key]Sums{}
	}
	all := r.pending[k]
	all.Merge(s)
	r.pending[k] = all
}

// StoreDue stores what has been gathered, if the last time is long enough ago. What could
// not be stored is kept for the next time; what an instance has not stored when it ends is
// lost, and what was stored although that failed is counted twice.
func (r *Recorder) StoreDue(ctx context.Context) error {
	r.mu.Lock()
	due := r.Now().Sub(r.stored) >= interval
	r.mu.Unlock()
	if !due {
		return nil
	}
	return r.StoreAll(ctx)
}

// StoreAll is [Recorder.StoreDue] at any time.
func (r *Recorder) StoreAll(ctx context.Context) error {
	ctx, record := Begin(ctx)
	var failed []error
	for k, s := range r.take() {
		expires := r.Now().Add(kept)
		if k == rowsKey {
			expires = time.Time{}
		}
		if err := r.Store.Add(ctx, k, s, expires); err != nil {
			failed = append(failed, err)
			r.giveBack(k, s)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	cost := record.Cost()
	r.own.RoundTrips += cost.RoundTrips
	r.own.ReadUnits += cost.ReadUnits
	r.own.WriteUnits += cost.WriteUnits
	return errors.Join(failed...)
}

// giveBack keeps what could not be stored, before what has come since.
func (r *Recorder) giveBack(k Key, s Sums) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Merge(r.pending[k])
	delete(r.pending, k)
	r.keep(k, s)
}

// take gives what is to be stored.
func (r *Recorder) take() map[Key]Sums {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.pending
	r.pending, r.stored = nil, r.Now()
	return all
}
