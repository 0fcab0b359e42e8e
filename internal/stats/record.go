// Package stats counts what functions do. An invocation's [Record] travels in its context,
// and whoever takes part notes in it what it did. It is told as one line of the log, and as
// spans. A [Recorder] adds the records of one instance of a function up, in memory, and stores
// the sums once in a while.
package stats

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/trace"
)

// Cost is what the database did for an invocation.
type Cost struct {
	RoundTrips int // requests that were sent, repeats included
	Retries    int // those of them that were repeats
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

	// What the line of the invocation says besides.

	request   Request
	commandID string
	version   uint64 // that was answered
	problem   string // "" if it was none
	stored    Stored // the first commit
	commits   int    // that were stored
	events    int    // in them
	causes    []Cause
	items     int // of the batch
	parked    *int
	failed    int              // things that went wrong
	failures  []Failure        // the first of them
	now       func() time.Time // nil: calls are not recorded
	calls     []trace.Span
}

// Request is who asks for what: an invocation that is a request has one.
type Request struct {
	ID            string // that API Gateway gave it, as in its access log
	Route         string // its key: "POST /auth/users"
	CorrelationID string
	Context       trace.Context // of the invocation
	Parent        trace.Context // of the caller; zero: none
	State         string        // tracestate of the caller
}

// Stored is a commit that was stored.
type Stored struct {
	Stream        string
	Version       uint64 // of the last event
	Events        int
	CommandID     string
	CorrelationID string
}

// Cause is what an item of a batch comes from.
type Cause struct {
	CorrelationID string
	Context       trace.Context // of the command
}

// Failure is something that went wrong on our side.
type Failure struct {
	Item  string `json:"item,omitempty"` // of the batch
	Error string `json:"error"`
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
		r.cost.Retries += c.Retries
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

// Asked notes that the invocation is a request.
func (r *Record) Asked(q Request) { r.note(func() { r.request = q }) }

// Commanded notes the id of the command that a request is for.
func (r *Record) Commanded(id string) { r.note(func() { r.commandID = id }) }

// Shown notes the version that an answer is about.
func (r *Record) Shown(version uint64) { r.note(func() { r.version = version }) }

// Refused notes the code of the problem that a request was answered with.
func (r *Record) Refused(code string) { r.note(func() { r.problem = code }) }

// Failed notes something that went wrong on our side, with one item of a batch or, if that is
// "", with all of it. The error's text must not quote what was asked or stored.
func (r *Record) Failed(item string, err error) {
	r.note(func() {
		if r.failed++; len(r.failures) < maxNoted {
			r.failures = append(r.failures, Failure{item, err.Error()})
		}
	})
}

// Faulty reports whether anything went wrong on our side.
func (r *Record) Faulty() (faulty bool) {
	r.note(func() { faulty = r.failed > 0 })
	return faulty
}

// Stored notes a commit.
func (r *Record) Stored(s Stored) {
	r.note(func() {
		if r.commits == 0 {
			r.stored = s
		}
		r.commits++
		r.events += s.Events
	})
}

// Took notes an item of a batch and what it comes from.
func (r *Record) Took(c Cause) {
	r.note(func() {
		if r.items++; len(r.causes) < maxNoted {
			r.causes = append(r.causes, c)
		}
	})
}

// maxNoted is how many causes, failures and calls of an invocation are noted: as many as a batch
// of a stream has items.
const maxNoted = 100

// Parked notes how many streams are parked, of all views and reactors.
func (r *Record) Parked(n int) { r.note(func() { r.parked = &n }) }

// Trace makes calls to other services come out as spans, by a clock.
func (r *Record) Trace(now func() time.Time) { r.note(func() { r.now = now }) }

// Traced reports whether calls to other services come out as spans.
func (r *Record) Traced() (traced bool) {
	r.note(func() { traced = r.now != nil })
	return traced
}

// Called notes a call to another service that began at a time and has ended now.
func (r *Record) Called(name string, begun time.Time, attributes []trace.Attribute, failed bool) {
	r.note(func() {
		if len(r.calls) < maxNoted {
			r.calls = append(r.calls, trace.Span{Kind: trace.Client, Name: name, Begun: begun, Ended: r.now(), Attributes: attributes, Failed: failed})
		}
	})
}

// Now is the time by the clock of [Record.Trace], which there has to be.
func (r *Record) Now() time.Time { return r.now() }

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
