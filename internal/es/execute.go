package es

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// attempts bounds how often a command is decided anew because others were faster, and
// unknowns how often because the store did not say what it did.
const (
	attempts = 10
	unknowns = 3
)

// Executor carries out commands: load, fold, decide, append.
type Executor struct {
	Repository
	Now func() time.Time
}

// Result is what came of a command.
type Result struct {
	Stream  Stream
	Version Version // of the stream once the command had been carried out
	Replay  bool    // it had been carried out before, by an earlier request
}

// Execute carries out a command once, however often it is called with the same
// meta.CommandID, which there has to be: a repeat of one that has stored events gives the
// first result, and one that was refused or changed nothing is decided anew. expect, if not nil,
// is the version the stream has to be at, else [ErrStale], unless Decide refuses and hides what
// there is. It first decides on what is cached, or for a new
// stream on nothing; a decision that stores events proves by that that it was made on the
// present state, and any other is made again on what the store has. A conflict with another
// writer, or an append whose outcome is not known, is decided again, a bounded number of
// times. Errors are those of Decide, of [Store], [ErrStale] and [ErrKeyReused]; after any of
// them but [ErrUnavailable] nothing was stored.
func (x *Executor) Execute(ctx context.Context, meta Meta, expect *Version, s Step) (result Result, err error) {
	if meta.CommandID == "" {
		return Result{}, errors.New("execute: the command has no id")
	}
	a := asked{meta: meta, expect: expect, assume: true}
	var last error = ErrConflict
	unknown := 0
	// An append whose outcome is not known may take effect at any time after, so that no
	// error but ErrUnavailable can be given for the command any more.
	defer func() {
		if err != nil && unknown > 0 && !errors.Is(err, ErrUnavailable) {
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}()
	for attempt := range attempts {
		plans, err := x.plan(ctx, s, a)
		if errors.Is(err, errAssumed) {
			a.assume = false
			continue
		}
		if err != nil {
			return Result{}, err
		}
		root := plans[0]
		switch {
		case root.replayOf != nil:
			// After an unknown outcome it is this call's own append that has been found.
			return Result{root.replayOf.Stream, root.replayOf.Version, unknown == 0}, nil
		case root.pending == nil:
			return Result{Stream: s.stream(), Version: root.tip.Version()}, nil
		}
		last = x.append(ctx, plans)
		switch {
		case last == nil:
			return Result{Stream: s.stream(), Version: root.pending.commit.Last()}, nil
		case errors.Is(last, ErrUnavailable):
			if unknown++; unknown == unknowns || ctx.Err() != nil {
				return Result{}, last
			}
		case !errors.Is(last, ErrConflict):
			return Result{}, last
		}
		if a.assume {
			// The assumption was wrong; that is no contention, so there is nothing to wait for.
			a.assume = false
			continue
		}
		if err := backOff(ctx, attempt); err != nil {
			return Result{}, errors.Join(last, err)
		}
	}
	return Result{}, last
}

func (x *Executor) append(ctx context.Context, plans []plan) error {
	var pending []Pending
	for _, p := range plans {
		if p.pending != nil {
			pending = append(pending, *p.pending)
		}
	}
	if err := x.Store.Append(ctx, pending...); err != nil {
		return err
	}
	for _, p := range plans {
		if p.pending != nil {
			p.stored()
		}
	}
	return nil
}

var errAssumed = errors.New("decided on an assumed state")

// plan plans a step and everything coupled to it. A refusal, or a decision that nothing is
// to be done, counts only if no state was assumed; otherwise the error is errAssumed. That a
// command was carried out before is a fact on any state.
func (x *Executor) plan(ctx context.Context, s Step, a asked) (plans []plan, err error) {
	root, assumed := a, false
	steps := []Step{s}
	for i := 0; i < len(steps); i++ {
		p, err := steps[i].plan(ctx, x, a)
		if p.replayOf != nil {
			return []plan{p}, nil
		}
		assumed = assumed || p.assumed
		switch {
		case assumed && (err != nil || p.pending == nil):
			return nil, errAssumed
		case err != nil && i > 0:
			return x.confirm(ctx, s, root, plans[0], err)
		case err != nil:
			return nil, err
		}
		plans = append(plans, p)
		steps = append(steps, p.coupled...)
		a.expect, a.coupled = nil, true
	}
	return plans, nil
}

// confirm makes sure that a refusal by a coupled step stands. The streams were read one after
// the other; if the root's has moved meanwhile, maybe by this very command, there was no
// moment at which all of it was so, and the error is errAssumed.
func (x *Executor) confirm(ctx context.Context, s Step, a asked, root plan, refusal error) ([]plan, error) {
	again, err := s.plan(ctx, x, a)
	switch {
	case again.replayOf != nil:
		return []plan{again}, nil
	case err != nil:
		return nil, err
	case again.tip.Version() != root.tip.Version():
		return nil, errAssumed
	}
	return nil, refusal
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
