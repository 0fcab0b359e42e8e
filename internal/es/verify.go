package es

import (
	"context"
	"errors"
	"fmt"
)

// Report is what verifying a stream found.
type Report struct {
	Stream   Stream
	Commits  int  // that fit, up to the first that does not
	FirstBad *Bad // nil: all fit
}

// OK reports whether all commits fit.
func (r Report) OK() bool { return r.FirstBad == nil }

// Bad is a commit that does not fit.
type Bad struct {
	Version Version // of its first event
	Reason  string
}

// Witness is something else that remembers how far a stream had come, such as a snapshot or
// the row of a view.
type Witness struct {
	Version Version
	Hash    *Hash // of the commit that ends at Version; nil: not known
}

// Verify reads a stream and finds the first commit that is not as it was written: each
// commit's hash covers all of its attributes and the hash of the commit before it, so a
// commit that was changed, removed from between others, moved or put in does not fit.
//
// What this can't show: commits missing at the end of the stream, unless a witness has seen
// them, and a stream that somebody with write access to the table has forged anew from some
// commit on, hashes included, unless a witness remembers a hash from there on.
func Verify(ctx context.Context, store Store, s Stream, witnesses ...Witness) (Report, error) {
	c := chain{tip: StartOf(s), report: Report{Stream: s}, witnesses: witnesses}
	for commit, err := range store.Read(ctx, s, Range{}) {
		if !c.add(commit, err) {
			break
		}
	}
	return c.end()
}

// chain follows the commits of one stream.
type chain struct {
	tip       Tip
	report    Report
	witnesses []Witness
	err       error // that kept the stream from being read
}

// add checks the next commit and reports whether there is a point in going on.
func (c *chain) add(commit Commit, err error) bool {
	var damaged *DamagedError
	if err == nil {
		err = c.check(commit)
	}
	switch {
	case errors.As(err, &damaged):
		c.report.FirstBad = &Bad{damaged.Version, damaged.Reason}
		if next := c.tip.version + 1; damaged.Version > next {
			c.report.FirstBad = &Bad{next, fmt.Sprintf("the next commit has version %d", damaged.Version)}
		}
		return false
	case err != nil:
		c.err = fmt.Errorf("verify: %w", err)
		return false
	}
	c.report.Commits++
	return true
}

func (c *chain) check(commit Commit) error {
	tip, err := c.tip.Follow(commit)
	if err != nil {
		return err
	}
	damaged := func(reason string) error { return &DamagedError{commit.Stream, commit.Version, reason} }
	if commit.Hash != commit.ComputeHash() {
		return damaged("its content does not fit its hash")
	}
	if commit.At.Before(c.tip.at) {
		return damaged("it is older than the commit before it")
	}
	if commit.Uncovered != "" {
		return damaged("its hash does not cover " + commit.Uncovered)
	}
	for _, w := range c.witnesses {
		reached := commit.Version <= w.Version && w.Version <= commit.Last()
		if w.Hash != nil && reached && (w.Version != commit.Last() || *w.Hash != commit.Hash) {
			return damaged("it is not the commit that was here before")
		}
	}
	c.tip = tip
	return nil
}

func (c *chain) end() (Report, error) {
	for _, w := range c.witnesses {
		if c.err == nil && c.report.OK() && w.Version > c.tip.version {
			c.report.FirstBad = &Bad{c.tip.version + 1, fmt.Sprintf("commits up to version %d have been seen and are gone", w.Version)}
		}
	}
	return c.report, c.err
}
