package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/internal/stats"
)

// kind is one kind of command.
type kind struct {
	name   string
	events int  // that the account has before; 0: there is no account
	warm   bool // the process has carried out a command on the account before
	do     func(ctx context.Context, p process, n int, id string) error
}

const (
	short = 6
	long  = 10_008 // with a snapshot at its end
)

// repetitions is so many that the last one makes a snapshot of the long account due.
const repetitions = newestFirst

// background is the kind that is no command, but what the projector does after some.
var background = fmt.Sprintf("snapshot, 1 in %d events", newestFirst)

var kinds = []kind{
	{"creation", 0, false, creation(false)},
	{"creation with a claim", 0, false, creation(true)},
	{"warm, 1 event", short, true, accepted(1)},
	{"warm, 3 events", short, true, accepted(3)},
	{"warm, 10 events", short, true, accepted(10)},
	{"warm, refused", short, true, refusal},
	{"cold, 6 events there", short, false, accepted(1)},
	{"cold, 10,000 there", long, false, accepted(1)},
	{background, long, false, func(ctx context.Context, p process, _ int, id string) error {
		return p.snapshot(ctx, id, long+repetitions)
	}},
	{"cold, 10,000, refused", long, false, refusal},
}

func creation(claim bool) func(context.Context, process, int, string) error {
	return func(ctx context.Context, p process, n int, id string) error { return p.create(ctx, n, id, claim) }
}

func accepted(events int) func(context.Context, process, int, string) error {
	return func(ctx context.Context, p process, n int, id string) error {
		return p.execute(ctx, n, id, change(events))
	}
}

func refusal(ctx context.Context, p process, n int, id string) error {
	if err := p.execute(ctx, n, id, refused{}); !errors.Is(err, errRefused) {
		return fmt.Errorf("got %v, want a refusal", err)
	}
	return nil
}

// account is the id of the account that a repetition is on: there is one long account, and
// of short ones a fresh one each time.
func (k kind) account(repetition int) string {
	if k.events == long {
		return idOf("long account", 0)
	}
	return idOf(k.name, repetition)
}

// cost is what a command took, as the database itself counts it.
type cost struct {
	Requests   int     `json:"requests"` // round trips
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

func costOf(r *stats.Record) cost {
	c := r.Cost()
	return cost{c.RoundTrips, c.ReadUnits, c.WriteUnits}
}

// sample is what carrying out a command took.
type sample struct {
	cost
	Took time.Duration `json:"nanoseconds"`
}

// summary is the highest cost of several executions and their median time.
func summary(all []sample) (s sample) {
	times := make([]time.Duration, len(all))
	for i, one := range all {
		s.Requests = max(s.Requests, one.Requests)
		s.ReadUnits = max(s.ReadUnits, one.ReadUnits)
		s.WriteUnits = max(s.WriteUnits, one.WriteUnits)
		times[i] = one.Took
	}
	s.Took = median(times)
	return s
}

func median[T cmp.Ordered](all []T) T {
	slices.Sort(all)
	return all[len(all)/2]
}

// commandRow is what a kind of command takes with each of the designs.
type commandRow struct {
	Kind    string   `json:"kind"`
	Designs []sample `json:"designs"`
}

// lane is a design with a client.
type lane struct {
	design
	client *dynamodb.Client
}

// measureCommands carries out commands of every kind with every design, in turn.
func measureCommands(ctx context.Context, e *engine) (rows []commandRow, err error) {
	lanes := make([]lane, len(designs))
	for i, d := range designs {
		lanes[i] = lane{d, e.client()}
		progress("storing %d events: %s", long, d.name)
		if err := e.fill(ctx, d, kind{events: long}.account(0), long); err != nil {
			return nil, err
		}
	}
	for i, k := range kinds {
		progress("commands: %s", k.name)
		samples := make([][]sample, len(lanes))
		for r := range repetitions {
			for j, l := range lanes {
				s, err := e.once(ctx, l, k, r, firstRequest+i*repetitions+r)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", l.name, k.name, err)
				}
				samples[j] = append(samples[j], s)
			}
			if k.name == background {
				break // the snapshot is made now
			}
		}
		row := commandRow{Kind: k.name}
		for _, s := range samples {
			row.Designs = append(row.Designs, summary(s))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// firstRequest is a number that no request of a history has, and warmUp is another one.
const (
	firstRequest = 1_000_000
	warmUp       = firstRequest - 1
)

// once measures one execution in a process of its own.
func (e *engine) once(ctx context.Context, l lane, k kind, repetition, request int) (sample, error) {
	id := k.account(repetition)
	if k.events == short {
		if err := e.fill(ctx, l.design, id, short); err != nil {
			return sample{}, err
		}
	}
	p := l.start(l.client)
	if k.warm {
		if err := p.execute(ctx, warmUp, id, change(1)); err != nil {
			return sample{}, err
		}
	}
	ctx, record := stats.Begin(ctx)
	begun := time.Now()
	err := k.do(ctx, p, request, id)
	took := time.Since(begun)
	return sample{costOf(record), took}, err
}
