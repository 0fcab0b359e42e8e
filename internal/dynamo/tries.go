package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Tries counts tries in a table: an item for each "name", with "n", how many there were, and
// "expires", when DynamoDB may delete it.
type Tries struct {
	Client *dynamodb.Client
	Table  string
}

// Wrong gives how many were counted under each of these names, which have to differ, with one
// BatchGetItem: half a read unit for each.
func (t *Tries) Wrong(ctx context.Context, names ...string) ([]int, error) {
	var keys []map[string]types.AttributeValue
	for _, n := range names {
		keys = append(keys, map[string]types.AttributeValue{"name": text(n)})
	}
	out, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{t.Table: {Keys: keys}}})
	if err != nil {
		return nil, unreadable("count tries", err)
	}
	if len(out.UnprocessedKeys) > 0 {
		return nil, unreadable("count tries", fmt.Errorf("the table is throttled"))
	}
	counted := map[string]int{}
	for _, item := range out.Responses[t.Table] {
		r := reader{item: item}
		name, n := r.text("name"), int(r.number("n"))
		if r.damage != "" {
			return nil, fmt.Errorf("count tries: attribute %s", r.damage)
		}
		counted[name] = n
	}
	all := make([]int, len(names))
	for i, name := range names {
		all[i] = counted[name]
	}
	return all, nil
}

// Add counts one more under each of these names, with one UpdateItem of a write unit for each.
func (t *Tries) Add(ctx context.Context, forget time.Time, names ...string) error {
	for _, n := range names {
		_, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName:        &t.Table,
			Key:              map[string]types.AttributeValue{"name": text(n)},
			UpdateExpression: aws.String("ADD n :one SET expires = :forget"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":one":    &types.AttributeValueMemberN{Value: "1"},
				":forget": &types.AttributeValueMemberN{Value: strconv.FormatInt(forget.Unix(), 10)},
			},
		})
		if err != nil {
			return fmt.Errorf("count a try: %w", err)
		}
	}
	return nil
}
