package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// head is the second common design: an item for each account with its state and version,
// replaced in one transaction with the items of the new events. Loads need the head alone.
type head struct {
	client *dynamodb.Client
	table  string
}

func startHead(c *dynamodb.Client) process {
	l := head{c, "head-bench-events"}
	return &rival{layout: l, client: c, table: l.table, warm: map[string]account{}}
}

func (l head) puts(id string, was account, m es.Meta, more []events.Auth) ([]types.Put, error) {
	top, err := withState(item{"stream": text("user#" + id), "version": number(0)}, was.after(more))
	if err != nil {
		return nil, err
	}
	first := types.Put{TableName: &l.table, Item: top, ConditionExpression: aws.String("attribute_not_exists(tip)")}
	if was.version > 0 {
		first.ConditionExpression = aws.String("tip = :was")
		first.ExpressionAttributeValues = item{":was": number(was.version)}
	}
	puts := []types.Put{first}
	for i, e := range more {
		made, err := stored(id, was.version+1+i, m, e)
		if err != nil {
			return nil, err
		}
		puts = append(puts, types.Put{TableName: &l.table, Item: made})
	}
	return puts, nil
}

func (l head) load(ctx context.Context, id string) (account, error) {
	out, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &l.table,
		Key:            item{"stream": text("user#" + id), "version": number(0)},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil || out.Item == nil {
		return account{}, err
	}
	return stateOf(out.Item)
}

// snapshot has nothing to do: the head is one.
func (head) snapshot(context.Context, string, int) error { return nil }
