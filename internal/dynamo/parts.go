package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Parts keeps how far rebuilds have come in the views table: "row" is
// "rebuild/<view>.<generation>#<part>".
type Parts struct {
	Client *dynamodb.Client
	Table  string
}

// partItem is a part as it is stored.
type partItem struct {
	Row       string    `dynamodbav:"row"`
	Revision  int       `dynamodbav:"revision"`
	Done      int64     `dynamodbav:"done"`
	Total     int64     `dynamodbav:"total"`
	Rows      int64     `dynamodbav:"rows"`
	After     []byte    `dynamodbav:"after,omitempty"`
	Finished  bool      `dynamodbav:"finished"`
	StartedAt time.Time `dynamodbav:"startedAt"`
	UpdatedAt time.Time `dynamodbav:"updatedAt"`
}

func partRow(view string, generation, part int) string {
	return fmt.Sprintf("%s%s.%d#%d", partPrefix, view, generation, part)
}

// partPrefix keeps parts apart from rows.
const partPrefix = "rebuild/"

// LoadParts implements [projection.PartStore] with one BatchGetItem.
func (p *Parts) LoadParts(ctx context.Context, view string, generation int) ([]projection.Part, error) {
	var keys []map[string]types.AttributeValue
	for part := range projection.Parts {
		keys = append(keys, map[string]types.AttributeValue{"row": text(partRow(view, generation, part))})
	}
	found := map[string]partItem{}
	for len(keys) > 0 {
		out, err := p.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			p.Table: {Keys: keys, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, fmt.Errorf("load the parts of a rebuild: %w", err)
		}
		for _, item := range out.Responses[p.Table] {
			var one partItem
			if err := attributevalue.UnmarshalMap(item, &one); err != nil {
				return nil, fmt.Errorf("read a part of the rebuild of view %s: %w", view, err)
			}
			found[one.Row] = one
		}
		keys = out.UnprocessedKeys[p.Table].Keys
	}
	var all []projection.Part
	for part := range projection.Parts {
		if i, ok := found[partRow(view, generation, part)]; ok {
			all = append(all, projection.Part{
				View: view, Generation: generation, Part: part, Revision: i.Revision, Done: i.Done, Total: i.Total,
				Rows: i.Rows, After: i.After, Finished: i.Finished, StartedAt: i.StartedAt, UpdatedAt: i.UpdatedAt,
			})
		}
	}
	return all, nil
}

// SavePart implements [projection.PartStore] with one conditional PutItem.
func (p *Parts) SavePart(ctx context.Context, one projection.Part) error {
	item, err := attributevalue.MarshalMap(partItem{
		Row: partRow(one.View, one.Generation, one.Part), Revision: one.Revision, Done: one.Done, Total: one.Total,
		Rows: one.Rows, After: one.After, Finished: one.Finished, StartedAt: one.StartedAt, UpdatedAt: one.UpdatedAt,
	})
	if err != nil {
		return fmt.Errorf("encode a part of the rebuild of view %s: %w", one.View, err)
	}
	in := &dynamodb.PutItemInput{
		TableName: &p.Table, Item: item,
		ConditionExpression:       aws.String("revision = :before"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":before": &types.AttributeValueMemberN{Value: strconv.Itoa(one.Revision - 1)}},
	}
	if one.Revision == 1 {
		in.ConditionExpression, in.ExpressionAttributeValues = aws.String("attribute_not_exists(revision)"), nil
	}
	_, err = p.Client.PutItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return es.ErrConflict
	case err != nil:
		return fmt.Errorf("save a part of the rebuild of view %s: %w", one.View, err)
	}
	return nil
}
