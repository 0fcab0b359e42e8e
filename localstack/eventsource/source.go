// Package eventsource is Lambda's event source mapping for DynamoDB streams, run locally:
// it reads a stream and invokes a function with its records the way AWS documents it.
//
// The rules come from the AWS Lambda Developer Guide, "Using AWS Lambda with Amazon
// DynamoDB" and the pages below it: polling and batching, partial batch responses,
// discarded records, event filtering
// (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). Where the guide is silent,
// a comment says what was chosen and why. Each rule is a named case in the tests.
package eventsource

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"golang.org/x/sync/errgroup"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Source is one event source mapping. It starts at TRIM_HORIZON, bisects failing batches,
// reports batch item failures and keeps what it gives up. Every record reaches the function
// or OnFailure at least once, and again after a crash; none is skipped.
type Source struct {
	Settings  topology.EventSource
	StreamARN string
	Client    *dynamodbstreams.Client

	// Invoke runs the function on one payload and returns its response. Its error is a
	// function error. The context carries a lambdacontext with the request's id and the
	// function's ARN; it is never cancelled, so Invoke has to keep the function's timeout.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)

	// OnFailure stores a document as S3 would under the key that Lambda gives it. The shard
	// stands still until that has succeeded. The context is never cancelled.
	OnFailure func(ctx context.Context, key string, document []byte) error

	// Checkpoints is a directory that only this source uses.
	Checkpoints string

	Now func() time.Time
	Log *slog.Logger
}

const (
	discoveryInterval = 10 * time.Second
	errorPause        = time.Second // after a request to the stream that failed for good
)

// Run processes the stream until ctx is cancelled, and then returns nil once the
// invocations in flight have finished and counted. Its errors are that the stream does not
// exist and that checkpoints cannot be kept. A stream that does not answer is waited for.
func (s *Source) Run(ctx context.Context) error {
	stream, err := arn.Parse(s.StreamARN)
	if err != nil {
		return fmt.Errorf("event source of %s: %w", s.Settings.Function, err)
	}
	if s.Settings.Parallel != 1 {
		return fmt.Errorf("event source of %s: a parallelization factor of %d is not supported, only 1", s.Settings.Function, s.Settings.Parallel)
	}
	m := &mapping{
		Source: s,
		id:     es.DeriveID("event source mapping", s.StreamARN, s.Settings.Function),
		functionARN: arn.ARN{
			Partition: stream.Partition, Service: "lambda", Region: stream.Region, AccountID: stream.AccountID,
			Resource: "function:" + s.Settings.Function,
		}.String(),
	}
	shards, ctx := errgroup.WithContext(ctx)
	shards.Go(func() error { return m.followAll(ctx, shards) })
	if err := shards.Wait(); err != nil {
		return fmt.Errorf("event source of %s: %w", s.Settings.Function, err)
	}
	return nil
}

// mapping is a running source.
type mapping struct {
	*Source
	id          string // the mapping's UUID, the same in every run
	functionARN string
}

// newID makes a UUID for a request or an object.
func (m *mapping) newID() string { return es.NewID(m.Now(), rand.Reader) }

// followAll starts every shard when its turn has come.
func (m *mapping) followAll(ctx context.Context, group *errgroup.Group) error {
	finished := make(chan string)
	var l lineage
	for {
		wait := discoveryInterval
		shards, err := m.describe(ctx)
		var gone *types.ResourceNotFoundException
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &gone):
			return fmt.Errorf("find the shards: %w", err)
		case err != nil:
			m.Log.Warn("the stream's shards are unknown", "function", m.Settings.Function, "error", err)
			wait = errorPause
		}
		for _, id := range l.ready(shards) {
			group.Go(func() error { return m.follow(ctx, id, finished) })
		}
		select {
		case <-ctx.Done():
			return nil
		case id := <-finished:
			l.finish(id)
		case <-time.After(wait):
		}
	}
}

// follow processes one shard to its end and then says so.
func (m *mapping) follow(ctx context.Context, id string, finished chan<- string) error {
	switch err := newShard(m, id).process(ctx); {
	case err == nil:
	case errors.Is(err, ctx.Err()):
		return nil
	default:
		return fmt.Errorf("shard %s: %w", id, err)
	}
	select {
	case <-ctx.Done():
	case finished <- id:
	}
	return nil
}

// describe lists the shards of the stream, page by page.
func (m *mapping) describe(ctx context.Context) ([]types.Shard, error) {
	var shards []types.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &m.StreamARN}
	for {
		out, err := m.Client.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		shards = append(shards, out.StreamDescription.Shards...)
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
		if in.ExclusiveStartShardId == nil {
			return shards, nil
		}
	}
}

// sleep waits, at most until ctx is cancelled, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}
