package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
)

// loadRow is what a cold load of an account with so many events takes.
type loadRow struct {
	Events int    `json:"events"`
	With   sample `json:"withSnapshot"`
	Whole  sample `json:"withoutSnapshot"`
}

var lengths = []int{10, 100, 1_000, 10_000, 100_000}

// Loads are repeated this often: those with snapshot take milliseconds and are compared with
// each other, those without read so many events altogether for each length.
const (
	snapshotLoads = 100
	wholeEvents   = 100_000
)

// measureLoads loads accounts cold, those of all lengths in turn, so that whatever slows the
// machine down slows all of them down.
func measureLoads(ctx context.Context, e *engine) ([]loadRow, error) {
	for _, n := range lengths {
		progress("storing %d events: %s", n, designs[0].name)
		if err := e.fill(ctx, designs[0], idOf("loaded", n), n); err != nil {
			return nil, err
		}
	}
	client := e.client(bounded)
	whole := es.Repository{Store: &dynamo.Store{Client: client, Table: "annals-bench-events"}}
	with := whole
	with.Snapshots = &dynamo.Snapshots{Client: client, Table: "annals-bench-snapshots"}

	load := func(r *es.Repository, n int) (sample, error) {
		if r.Snapshots == nil && n >= wholeEvents {
			progress("  loading %d events", n)
		}
		ctx, record := stats.Begin(ctx)
		runtime.GC() // what one load leaves behind is not for the next one to clear
		begun := time.Now()
		f, err := accounts.Load(ctx, r, idOf("loaded", n))
		took := time.Since(begun)
		if err == nil && int(f.Tip.Version()) != n {
			err = fmt.Errorf("loaded %d of %d events", f.Tip.Version(), n)
		}
		return sample{costOf(record), took}, err
	}
	several := func(r *es.Repository, repetitions func(events int) int) (map[int][]sample, error) {
		all := map[int][]sample{}
		for i := range snapshotLoads {
			for _, n := range lengths {
				if i >= repetitions(n) {
					continue
				}
				s, err := load(r, n)
				if err != nil {
					return nil, err
				}
				all[n] = append(all[n], s)
			}
		}
		return all, nil
	}
	progress("cold loads with snapshot")
	withs, err := several(&with, func(int) int { return snapshotLoads })
	if err != nil {
		return nil, err
	}
	progress("cold loads without snapshot")
	wholes, err := several(&whole, func(n int) int { return max(3, wholeEvents/n) })
	if err != nil {
		return nil, err
	}
	var rows []loadRow
	for _, n := range lengths {
		rows = append(rows, loadRow{n, summary(withs[n]), summary(wholes[n])})
	}
	return rows, nil
}

// megabyte is about how many of the commits make a page of DynamoDB's, which ends at 1 MB.
const megabyte = 1_900

// bounded has the pages of queries end after that many items. For a page without a limit
// dynoxide reads all that is left of a stream, so that long ones would take quadratic time.
func bounded(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("bounded", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if q, ok := in.Parameters.(*dynamodb.QueryInput); ok && q.Limit == nil {
				q.Limit = aws.Int32(megabyte)
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
}
