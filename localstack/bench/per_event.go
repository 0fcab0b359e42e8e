package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// perEvent is the first common design: an item for each event, several in one transaction,
// and snapshots beside them. It loads as Annals does: the newest events first, the snapshot
// only if they are not all.
type perEvent struct {
	client            *dynamodb.Client
	events, snapshots string // tables
}

func startPerEvent(c *dynamodb.Client) process {
	l := perEvent{c, "per-event-bench-events", "per-event-bench-snapshots"}
	return &rival{layout: l, client: c, table: l.events, warm: map[string]account{}}
}

// newestFirst is how many events are read first, and how many lie between two snapshots: as
// many as with Annals.
const newestFirst = 12

func (l perEvent) puts(id string, was account, m es.Meta, more []events.Auth) ([]types.Put, error) {
	puts := make([]types.Put, len(more))
	for i, e := range more {
		made, err := stored(id, was.version+1+i, m, e)
		if err != nil {
			return nil, err
		}
		puts[i] = types.Put{TableName: &l.events, Item: made, ConditionExpression: aws.String("attribute_not_exists(version)")}
	}
	return puts, nil
}

func (l perEvent) load(ctx context.Context, id string) (account, error) {
	newest, first, err := l.query(ctx, id, &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("#stream = :stream"),
		ExpressionAttributeNames:  map[string]string{"#stream": "stream"},
		ExpressionAttributeValues: item{":stream": text("user#" + id)},
		ScanIndexForward:          aws.Bool(false),
		Limit:                     aws.Int32(newestFirst),
	})
	if err != nil {
		return account{}, err
	}
	slices.Reverse(newest)
	var state account
	if first > 1 {
		if state, err = l.loadSnapshot(ctx, id); err != nil {
			return account{}, err
		}
	}
	if state.version+1 < first {
		between, _, err := l.query(ctx, id, &dynamodb.QueryInput{
			KeyConditionExpression:    aws.String("#stream = :stream AND version BETWEEN :from AND :through"),
			ExpressionAttributeNames:  map[string]string{"#stream": "stream"},
			ExpressionAttributeValues: item{":stream": text("user#" + id), ":from": number(state.version + 1), ":through": number(first - 1)},
		})
		if err != nil {
			return account{}, err
		}
		state = state.after(between)
	}
	seen := max(0, state.version+1-first)
	return state.after(newest[min(seen, len(newest)):]), nil
}

// query gives events, and the version of the oldest one.
func (l perEvent) query(ctx context.Context, id string, in *dynamodb.QueryInput) (found []events.Auth, oldest int, err error) {
	in.TableName, in.ConsistentRead = &l.events, aws.Bool(true)
	for {
		page, err := l.client.Query(ctx, in)
		if err != nil {
			return nil, 0, err
		}
		for _, i := range page.Items {
			version, err := numberOf(i["version"])
			if err != nil {
				return nil, 0, err
			}
			e, err := events.Decode(textOf(i["type"]), []byte(textOf(i["data"])))
			if err != nil {
				return nil, 0, err
			}
			own, ok := e.(events.Auth)
			if !ok {
				return nil, 0, fmt.Errorf("%T is no event of an account", e)
			}
			if oldest == 0 || version < oldest {
				oldest = version
			}
			found = append(found, own)
		}
		if page.LastEvaluatedKey == nil || in.Limit != nil && len(found) >= int(*in.Limit) {
			return found, oldest, nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

func (l perEvent) loadSnapshot(ctx context.Context, id string) (state account, err error) {
	out, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.snapshots, Key: item{"stream": text("user#" + id)}})
	if err != nil || out.Item == nil {
		return account{}, err
	}
	return stateOf(out.Item)
}

func (l perEvent) snapshot(ctx context.Context, id string, version int) error {
	if version%newestFirst != 0 {
		return nil
	}
	state, err := l.load(ctx, id)
	if err != nil {
		return err
	}
	made, err := withState(item{"stream": text("user#" + id)}, state)
	if err != nil {
		return err
	}
	_, err = l.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 &l.snapshots,
		Item:                      made,
		ConditionExpression:       aws.String("attribute_not_exists(tip) OR tip < :tip"),
		ExpressionAttributeValues: item{":tip": made["tip"]},
	})
	return err
}

// withState adds a state and the version it is of.
func withState(i item, a account) (item, error) {
	state, err := json.Marshal(a.user)
	if err != nil {
		return nil, err
	}
	i["tip"], i["state"] = number(a.version), text(string(state))
	return i, nil
}

func stateOf(i item) (a account, err error) {
	if a.version, err = numberOf(i["tip"]); err != nil {
		return account{}, err
	}
	return a, json.Unmarshal([]byte(textOf(i["state"])), &a.user)
}
