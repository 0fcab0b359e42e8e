package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
)

// Ledger keeps the accounts of the sandbox provider of payments in a table, an item each:
// "payment" is the payment's id, "account" the account as JSON, "revision" how often it was
// saved.
type Ledger struct {
	Client *dynamodb.Client
	Table  string
}

// LoadAccount gives an account and its revision, 0 if there is none, with one GetItem.
func (l *Ledger) LoadAccount(ctx context.Context, id string) (account []byte, revision int, err error) {
	out, err := l.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.Table, Key: map[string]types.AttributeValue{"payment": text(id)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, 0, unreadable("load an account", err)
	}
	if out.Item == nil {
		return nil, 0, nil
	}
	r := reader{item: out.Item}
	account, revision = []byte(r.text("account")), int(r.number("revision"))
	if r.damage != "" {
		return nil, 0, fmt.Errorf("an account's attribute %s", r.damage)
	}
	return account, revision, nil
}

// SaveAccount replaces the account of a revision, 0 being none, by the next, with one PutItem.
// The error is [es.ErrConflict] if it has another revision.
func (l *Ledger) SaveAccount(ctx context.Context, id string, account []byte, revision int) error {
	in := &dynamodb.PutItemInput{
		TableName:                &l.Table,
		Item:                     map[string]types.AttributeValue{"payment": text(id), "account": text(string(account)), "revision": number(es.Version(revision + 1))},
		ConditionExpression:      aws.String("#revision = :revision"),
		ExpressionAttributeNames: map[string]string{"#revision": "revision"},
	}
	if revision == 0 {
		in.ConditionExpression = aws.String("attribute_not_exists(#revision)")
	} else {
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":revision": number(es.Version(revision))}
	}
	_, err := l.Client.PutItem(ctx, in)
	var other *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &other):
		return es.ErrConflict
	case err != nil:
		return fmt.Errorf("save an account: %w", err)
	}
	return nil
}
