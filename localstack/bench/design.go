package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// design is one way to keep the events of accounts in DynamoDB.
type design struct {
	name   string
	prefix string // of its tables' names
	start  func(*dynamodb.Client) process
}

// designs are compared with the first one. The rivals have what Annals has: the same events
// and metadata, consistent reads, states kept while a process is warm, and refusals only on
// what has been read. They know no repeated commands and have no hash chain.
var designs = []design{
	{"Annals", "annals-bench", startAnnals},
	{"item an event", "per-event-bench", startPerEvent},
	{"head + events", "head-bench", startHead},
}

// process is what one instance of a function has: a client, and the states it has met.
type process interface {
	// create opens an account, and with claim takes its email address for it alone.
	create(ctx context.Context, request int, id string, claim bool) error
	// execute carries out a command on an account.
	execute(ctx context.Context, request int, id string, c command) error
	// snapshot does what is done in the background once the event with this version has been
	// stored, to keep cold loads of long streams cheap.
	snapshot(ctx context.Context, id string, version int) error
	// history gives the items of an account with so many events, each of its own command.
	history(ctx context.Context, id string, events int) ([]item, error)
}

// An item is what DynamoDB stores.
type item = map[string]types.AttributeValue
