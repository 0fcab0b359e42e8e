package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

const (
	batchItems  = 25 // as many as a BatchWriteItem takes
	fillers     = 4
	fillsToTell = 25_000 // items between two signs of life
)

// fill stores an account with so many events, and its snapshot as it would be by then.
func (e *engine) fill(ctx context.Context, d design, id string, events int) error {
	p := d.start(e.client())
	items, err := p.history(ctx, id, events)
	if err != nil {
		return fmt.Errorf("make a history: %w", err)
	}
	covered := events - events%newestFirst
	if covered > 0 {
		later := len(items) - events + covered
		if err := e.write(ctx, d.prefix+"-events", items[:later]); err != nil {
			return err
		}
		if err := p.snapshot(ctx, id, covered); err != nil {
			return err
		}
		items = items[later:]
	}
	return e.write(ctx, d.prefix+"-events", items)
}

// write stores items in batches, several at a time.
func (e *engine) write(ctx context.Context, table string, items []item) error {
	client := e.client()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fillers)
	written := 0
	for some := range slices.Chunk(items, batchItems) {
		g.Go(func() error { return writeBatch(ctx, client, table, some) })
		if written += len(some); written%fillsToTell == 0 {
			progress("  %d of %d events are there", written, len(items))
		}
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("fill %s: %w", table, err)
	}
	return nil
}

func writeBatch(ctx context.Context, client *dynamodb.Client, table string, items []item) error {
	puts := make([]types.WriteRequest, len(items))
	for i, it := range items {
		puts[i].PutRequest = &types.PutRequest{Item: it}
	}
	out, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
	if err == nil && len(out.UnprocessedItems) > 0 {
		err = errors.New("a batch was not written whole")
	}
	return err
}
