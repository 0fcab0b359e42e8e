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
	"github.com/interview-sandbox/annals/internal/projection"
)

// Generations keeps the generations of all views in one item of the views table, whose
// "row" is "generations", so that one read tells them all.
type Generations struct {
	Client *dynamodb.Client
	Table  string
}

var generationsKey = map[string]types.AttributeValue{"row": text("generations")}

// LoadGenerations implements [projection.GenerationStore] with one GetItem.
func (g *Generations) LoadGenerations(ctx context.Context) (map[string]projection.Generations, error) {
	out, err := g.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &g.Table, Key: generationsKey, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, unreadable("load the generations", err)
	}
	all := map[string]projection.Generations{}
	for name, v := range out.Item {
		if name == "row" {
			continue
		}
		var one projection.Generations
		if err := attributevalue.Unmarshal(v, &one); err != nil {
			return nil, fmt.Errorf("read the generations of view %s: %w", name, err)
		}
		all[name] = one
	}
	return all, nil
}

// ChangeGenerations implements [projection.GenerationStore] with one conditional UpdateItem.
func (g *Generations) ChangeGenerations(ctx context.Context, view string, was, now projection.Generations) error {
	old, err := attributevalue.Marshal(was)
	if err != nil {
		return fmt.Errorf("encode the generations of view %s: %w", view, err)
	}
	next, err := attributevalue.Marshal(now)
	if err != nil {
		return fmt.Errorf("encode the generations of view %s: %w", view, err)
	}
	condition := "#view = :was"
	if was == projection.First {
		condition = "attribute_not_exists(#view) OR #view = :was"
	}
	_, err = g.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &g.Table,
		Key:                       generationsKey,
		UpdateExpression:          aws.String("SET #view = :now"),
		ConditionExpression:       &condition,
		ExpressionAttributeNames:  map[string]string{"#view": view},
		ExpressionAttributeValues: map[string]types.AttributeValue{":was": old, ":now": next},
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return es.ErrConflict
	case err != nil:
		return fmt.Errorf("change the generations of view %s: %w", view, err)
	}
	return nil
}
