package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
)

// Rows keeps the rows of all views in one table: "row" is "<view>#<id>", "version" the
// version of the stream that the row shows, and "data" the row itself, its fields named by
// their json tags.
type Rows struct {
	Client *dynamodb.Client
	Table  string
}

// Load implements [es.Rows] with one GetItem.
func (r *Rows) Load(ctx context.Context, k es.RowKey, into any, consistent bool) (es.Version, error) {
	out, err := r.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &r.Table,
		Key:            rowKey(k),
		ConsistentRead: &consistent,
	})
	if err != nil {
		return 0, fmt.Errorf("load a row: %w", err)
	}
	if out.Item == nil {
		return 0, nil
	}
	item := reader{item: out.Item}
	version := es.Version(item.number("version"))
	if item.damage != "" {
		return 0, fmt.Errorf("row %s of view %s: attribute %s", k.ID, k.View, item.damage)
	}
	err = attributevalue.UnmarshalWithOptions(out.Item["data"], into, func(o *attributevalue.DecoderOptions) { o.TagKey = "json" })
	if err != nil {
		return 0, fmt.Errorf("decode row %s of view %s: %w", k.ID, k.View, err)
	}
	return version, nil
}

// Save implements [es.Rows] with one conditional PutItem.
func (r *Rows) Save(ctx context.Context, k es.RowKey, row any, was, now es.Version) error {
	data, err := attributevalue.MarshalWithOptions(row, func(o *attributevalue.EncoderOptions) { o.TagKey = "json" })
	if err != nil {
		return fmt.Errorf("encode row %s of view %s: %w", k.ID, k.View, err)
	}
	item := rowKey(k)
	item["version"], item["data"] = number(now), data
	in := &dynamodb.PutItemInput{
		TableName:                &r.Table,
		Item:                     item,
		ConditionExpression:      aws.String("attribute_not_exists(#version)"),
		ExpressionAttributeNames: map[string]string{"#version": "version"},
	}
	if was > 0 {
		in.ConditionExpression = aws.String("#version = :was")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":was": number(was)}
	}
	_, err = r.Client.PutItem(ctx, in)
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return es.ErrConflict
	case err != nil:
		return fmt.Errorf("save a row: %w", err)
	}
	return nil
}

func rowKey(k es.RowKey) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"row": text(k.View + "#" + k.ID)}
}
