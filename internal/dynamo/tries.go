package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/api"
)

// Tries counts tries in a table: an item for each "name", with "n", how many there were, and
// "expires", when DynamoDB may delete it. It implements [api.Tries].
type Tries struct {
	Client *dynamodb.Client
	Table  string
}

// Add implements [api.Tries] with an UpdateItem of one write unit for each count.
func (t *Tries) Add(ctx context.Context, counts ...api.Count) ([]int, error) {
	all, errs := make([]int, len(counts)), make([]error, len(counts))
	var wg sync.WaitGroup
	for i, c := range counts {
		wg.Go(func() { all[i], errs[i] = t.add(ctx, c) })
	}
	wg.Wait()
	return all, errors.Join(errs...)
}

func (t *Tries) add(ctx context.Context, c api.Count) (int, error) {
	out, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:        &t.Table,
		Key:              map[string]types.AttributeValue{"name": text(c.Name)},
		UpdateExpression: aws.String("ADD n :n SET expires = :until"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":n":     &types.AttributeValueMemberN{Value: strconv.Itoa(c.N)},
			":until": &types.AttributeValueMemberN{Value: strconv.FormatInt(c.Until.Unix(), 10)},
		},
		ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, unreadable("count a try", err)
	}
	r := reader{item: out.Attributes}
	counted := int(r.number("n"))
	if r.damage != "" {
		return 0, fmt.Errorf("count a try: attribute %s", r.damage)
	}
	return counted, nil
}

// Until implements [api.Tries] with a GetItem of one read unit.
func (t *Tries) Until(ctx context.Context, name string) (time.Time, error) {
	out, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.Table, Key: map[string]types.AttributeValue{"name": text(name)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return time.Time{}, unreadable("look up a try", err)
	}
	if len(out.Item) == 0 {
		return time.Time{}, nil
	}
	r := reader{item: out.Item}
	expires := int64(r.number("expires"))
	if r.damage != "" {
		return time.Time{}, fmt.Errorf("look up a try: attribute %s", r.damage)
	}
	return time.Unix(expires, 0), nil
}
