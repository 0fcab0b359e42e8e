package main

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
)

// account is what a rival knows of a stream.
type account struct {
	user    auth.User
	version int
}

func (a account) after(more []events.Auth) account {
	for _, e := range more {
		a.user = a.user.Evolve(e)
	}
	a.version += len(more)
	return a
}

// layout is what the rivals differ in: where an account's events and its state are.
type layout interface {
	load(ctx context.Context, id string) (account, error)
	// puts are the writes that store more events, of one command, after an account's last.
	puts(id string, was account, m es.Meta, more []events.Auth) ([]types.Put, error)
	snapshot(ctx context.Context, id string, version int) error
}

// rival carries out commands on another layout, as warm as Annals does.
type rival struct {
	layout
	client *dynamodb.Client
	table  string
	mu     sync.Mutex
	warm   map[string]account
}

const attempts = 10

func (r *rival) create(ctx context.Context, n int, id string, claim bool) error {
	var more []types.Put
	if claim {
		// The usual claim is an item that nobody else can create.
		more = []types.Put{{
			TableName:           &r.table,
			Item:                item{"stream": text("email#" + emailOf(id)), "version": number(0), "userId": text(id)},
			ConditionExpression: aws.String("attribute_not_exists(version)"),
		}}
	}
	decided, err := open(id).Decide(auth.User{}, clock())
	if err != nil {
		return err
	}
	return r.append(ctx, n, id, account{}, decided, more...)
}

func (r *rival) execute(ctx context.Context, n int, id string, c command) error {
	fresh := false
	for range attempts {
		known, warm := r.known(id)
		if !warm || fresh {
			var err error
			if known, err = r.load(ctx, id); err != nil {
				return err
			}
			fresh = true
		}
		decided, err := c.Decide(known.user, clock())
		if err != nil && fresh {
			return err
		}
		if err == nil {
			if err = r.append(ctx, n, id, known, decided); !conflict(err) {
				return err
			}
		}
		fresh = true
	}
	return es.ErrConflict
}

func (r *rival) append(ctx context.Context, n int, id string, was account, decided []events.Auth, more ...types.Put) error {
	puts, err := r.puts(id, was, request(n), decided)
	if err != nil {
		return err
	}
	if err := r.write(ctx, append(puts, more...)); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.warm[id] = was.after(decided)
	return nil
}

func (r *rival) known(id string) (account, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.warm[id]
	return a, ok
}

// write stores everything or nothing. A transaction costs twice as much, so a single item is
// put without one.
func (r *rival) write(ctx context.Context, puts []types.Put) error {
	if len(puts) == 1 {
		p := puts[0]
		_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression, ExpressionAttributeValues: p.ExpressionAttributeValues,
		})
		return err
	}
	items := make([]types.TransactWriteItem, len(puts))
	for i := range puts {
		items[i].Put = &puts[i]
	}
	_, err := r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	return err
}

func conflict(err error) bool {
	var one *types.ConditionalCheckFailedException
	var many *types.TransactionCanceledException
	return errors.As(err, &one) || errors.As(err, &many)
}

func (r *rival) history(_ context.Context, id string, n int) (items []item, err error) {
	newest := map[string]item{} // a head is put again with every event, and only its last form stays
	var state account
	for i := range n {
		more := []events.Auth{happening(id, i)}
		puts, err := r.puts(id, state, request(i), more)
		if err != nil {
			return nil, err
		}
		for _, p := range puts {
			version := p.Item["version"].(*types.AttributeValueMemberN).Value
			if newest[version] == nil {
				newest[version] = item{}
				items = append(items, newest[version])
			}
			maps.Copy(newest[version], p.Item)
		}
		state = state.after(more)
	}
	return items, nil
}

// stored is the item of one event.
func stored(id string, version int, m es.Meta, e events.Auth) (item, error) {
	eventType, data, err := events.Encode(e)
	if err != nil {
		return nil, err
	}
	return item{
		"stream":        text("user#" + id),
		"version":       number(version),
		"type":          text(eventType),
		"data":          text(string(data)),
		"at":            text(clock().Format("2006-01-02T15:04:05.000Z")),
		"commandId":     text(m.CommandID),
		"correlationId": text(m.CorrelationID),
		"actor":         text(m.Actor),
		"trace":         text(m.Trace),
		"fingerprint":   &types.AttributeValueMemberB{Value: m.Fingerprint},
	}, nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func textOf(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func numberOf(v types.AttributeValue) (int, error) {
	n, _ := v.(*types.AttributeValueMemberN)
	if n == nil {
		return 0, errors.New("a stored number is missing")
	}
	return strconv.Atoi(n.Value)
}
