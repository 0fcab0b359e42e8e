package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/keys"
)

// Keys keeps wrapped keys in a table: "id" is the key's name, "wrapped" the encrypted key.
type Keys struct {
	Client *dynamodb.Client
	Table  string
}

// Load implements [keys.Table].
func (k *Keys) Load(ctx context.Context, name string) (keys.Record, bool, error) {
	out, err := k.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &k.Table,
		Key:            map[string]types.AttributeValue{"id": text(name)},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return keys.Record{}, false, unreadable("load a key", err)
	}
	if out.Item == nil {
		return keys.Record{}, false, nil
	}
	r, err := keyRecord(out.Item)
	return r, true, err
}

// Create implements [keys.Table].
func (k *Keys) Create(ctx context.Context, name string, r keys.Record) (keys.Record, error) {
	_, err := k.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &k.Table,
		Item:                                map[string]types.AttributeValue{"id": text(name), "wrapped": binary(r.Wrapped)},
		ConditionExpression:                 aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var there *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &there):
		return keyRecord(there.Item)
	case err != nil:
		return keys.Record{}, unreadable("create a key", err)
	}
	return r, nil
}

// Destroy implements [keys.Table].
func (k *Keys) Destroy(ctx context.Context, name string) error {
	_, err := k.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &k.Table, Item: map[string]types.AttributeValue{"id": text(name)}})
	if err != nil {
		return fmt.Errorf("destroy a key: %w", err)
	}
	return nil
}

func keyRecord(item map[string]types.AttributeValue) (keys.Record, error) {
	r := reader{item: item}
	record := keys.Record{Wrapped: r.binary("wrapped")}
	if r.damage != "" {
		return record, fmt.Errorf("a stored key's attribute %s", r.damage)
	}
	return record, nil
}
