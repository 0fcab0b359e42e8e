package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
)

// annals is the product itself: a command's events are one item.
type annals struct{ module auth.Module }

func startAnnals(c *dynamodb.Client) process {
	return &annals{auth.Module{
		Executor: es.Executor{
			Repository: es.Repository{
				Store:     &dynamo.Store{Client: c, Table: "annals-bench-events"},
				Snapshots: &dynamo.Snapshots{Client: c, Table: "annals-bench-snapshots"},
				Cache:     es.NewCache(64 << 20),
			},
			Now: clock,
		},
		AddressKey: []byte("the key that addresses are hashed with"),
	}}
}

func (a *annals) create(ctx context.Context, n int, id string, claim bool) (err error) {
	if claim {
		_, err = a.module.Create(ctx, request(n), nil, open(id))
	} else {
		_, err = a.module.Execute(ctx, request(n), nil, accounts.New(id, open(id)))
	}
	return err
}

func (a *annals) execute(ctx context.Context, n int, id string, c command) error {
	_, err := a.module.Execute(ctx, request(n), nil, accounts.On(id, c))
	return err
}

func (a *annals) snapshot(ctx context.Context, id string, version int) error {
	// The projector has the commit from the table's stream; the snapshotter asks where it is.
	c := es.Commit{Stream: es.NewStream(accounts.Category, id), Version: es.Version(version), Events: make([]es.Data, 1)}
	return accounts.Snapshotter(&a.module.Repository).Snapshot(ctx, c.Stream, []es.Commit{c})
}

func (a *annals) history(ctx context.Context, id string, n int) ([]item, error) {
	var stored gathered
	store := dynamo.Store{Client: dynamodb.New(dynamodb.Options{}, stored.use)}
	tip := es.StartOf(es.NewStream(accounts.Category, id))
	for i := range n {
		p, err := tip.Next(request(i), clock(), happening(id, i))
		if err != nil {
			return nil, err
		}
		if err := store.Append(ctx, p); err != nil {
			return nil, err
		}
		if tip, err = tip.Follow(p.Commit()); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// gathered is the items that a client was to put. It sends none, so that the items of long
// streams can be written in batches.
type gathered []item

func (g *gathered) use(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("gather", g.gather), middleware.Before)
	})
}

func (g *gathered) gather(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	*g = append(*g, in.Parameters.(*dynamodb.PutItemInput).Item)
	return middleware.InitializeOutput{Result: new(dynamodb.PutItemOutput)}, middleware.Metadata{}, nil
}
