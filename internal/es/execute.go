package es

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// attempts bounds how often a command is decided anew because others were faster.
const attempts = 10

// Executor carries out commands: load, fold, decide, append.
type Executor struct {
	Store Store
	Now   func() time.Time
}

// Result is what came of a command.
type Result struct {
	Stream  Stream
	Version Version // of the stream once the command had been carried out
	Replay  bool    // it had been carried out before, by an earlier request
}

// Execute carries out a command once, however often it is called with the same
// meta.CommandID: a repeat gives the first result. expect, if not nil, is the version the
// stream has to be at, else [ErrStale]. A conflict with another writer is decided again on
// the new state, a bounded number of times. Errors are those of Decide, of [Store.Append],
// [ErrStale] and [ErrKeyReused]; after any of them but [ErrUnavailable] nothing was stored.
func (x *Executor) Execute(ctx context.Context, meta Meta, expect *Version, s Step) (Result, error) {
	a := asked{meta: meta, expect: expect, speculate: true}
	for attempt := range attempts {
		root, pending, err := x.plan(ctx, s, a)
		if errors.Is(err, errSpeculation) {
			a.speculate = false
			root, pending, err = x.plan(ctx, s, a)
		}
		switch {
		case err != nil:
			return Result{}, err
		case root.replayOf != nil:
			return *root.replayOf, nil
		case len(pending) == 0:
			return Result{Stream: s.stream(), Version: root.tip.Version()}, nil
		}
		err = x.Store.Append(ctx, pending...)
		switch {
		case err == nil:
			return Result{Stream: s.stream(), Version: pending[0].commit.Last()}, nil
		case !errors.Is(err, ErrConflict):
			return Result{}, err
		}
		if a.speculate {
			// The assumption was wrong; that is no contention, so there is nothing to wait for.
			a.speculate = false
			continue
		}
		if err := backOff(ctx, attempt); err != nil {
			return Result{}, err
		}
	}
	return Result{}, ErrConflict
}

var errSpeculation = errors.New("decided on an assumed state")

// plan plans a step and everything coupled to it. A refusal, or a decision that nothing is
// to be done, counts only if no state was assumed; otherwise the error is errSpeculation.
func (x *Executor) plan(ctx context.Context, s Step, a asked) (root plan, pending []Pending, err error) {
	assumed := false
	steps := []Step{s}
	for i := 0; i < len(steps); i++ {
		p, err := steps[i].plan(ctx, x, a)
		assumed = assumed || p.speculated
		switch {
		case assumed && (err != nil || p.pending == nil):
			return plan{}, nil, errSpeculation
		case err != nil:
			return plan{}, nil, err
		}
		if i == 0 {
			root = p
		}
		if p.pending != nil {
			pending = append(pending, *p.pending)
		}
		steps = append(steps, p.coupled...)
		a.expect, a.coupled = nil, true
	}
	return root, pending, nil
}

// backOff waits a random time that grows with the attempts ("full jitter", AWS
// Architecture Blog, "Exponential Backoff And Jitter").
func backOff(ctx context.Context, attempt int) error {
	return sleep(ctx, rand.N(min(10*time.Millisecond<<attempt, 400*time.Millisecond)))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to try again: %w", ctx.Err())
	}
}
