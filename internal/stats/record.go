// Package stats counts what functions do. An invocation's [Record] travels in its context,
// and whoever takes part notes in it what it did. A [Recorder] adds the records of one
// instance of a function up, in memory, and stores the sums once in a while.
package stats

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Cost is what the database did for an invocation.
type Cost struct {
	RoundTrips int // requests that were sent, repeats included
	// Capacity units, as DynamoDB tells them with each success. What a write took whose
	// condition failed, it does not tell.
	ReadUnits, WriteUnits float64
}

// Record is what one invocation of a function did. Its methods may be called side by side,
// and on a nil record, which notes nothing.
type Record struct {
	mu        sync.Mutex
	cost      Cost
	conflicts int
	status    int // of the answer; 0: this was no request
	command   bool
	replay    bool
	projected int
	rows      map[string]int // created, by view and generation
	lags      map[string][]time.Duration
}

type key struct{}

// Begin makes a record that is found in the context.
func Begin(ctx context.Context) (context.Context, *Record) {
	r := new(Record)
	return context.WithValue(ctx, key{}, r), r
}

// From finds the record of a context, nil if there is none.
func From(ctx context.Context) *Record {
	r, _ := ctx.Value(key{}).(*Record)
	return r
}

func (r *Record) note(what func()) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
}

// Used notes what a request to the database cost.
func (r *Record) Used(c Cost) {
	r.note(func() {
		r.cost.RoundTrips += c.RoundTrips
		r.cost.ReadUnits += c.ReadUnits
		r.cost.WriteUnits += c.WriteUnits
	})
}

// Cost is what the invocation has cost so far.
func (r *Record) Cost() (c Cost) {
	r.note(func() { c = r.cost })
	return c
}

// Conflict notes an append that found its version taken.
func (r *Record) Conflict() { r.note(func() { r.conflicts++ }) }

// Answered notes how a request to the API was answered: whether it was a command, with which
// HTTP status, and whether the command had been carried out before.
func (r *Record) Answered(command bool, status int, replay bool) {
	r.note(func() { r.command, r.status, r.replay = command, status, replay })
}

// Projected notes commits that all projections have followed.
func (r *Record) Projected(commits int) { r.note(func() { r.projected += commits }) }

// Created notes a new row of a generation of a view.
func (r *Record) Created(view string, generation int) {
	r.note(func() {
		if r.rows == nil {
			r.rows = map[string]int{}
		}
		r.rows[rowsOf(view, generation)]++
	})
}

// Lagged notes how long after an event a view showed it.
func (r *Record) Lagged(view string, lag time.Duration) {
	r.note(func() {
		if r.lags == nil {
			r.lags = map[string][]time.Duration{}
		}
		r.lags[view] = append(r.lags[view], lag)
	})
}

func rowsOf(view string, generation int) string { return fmt.Sprintf("%s.%d", view, generation) }
