// Package tables creates the tables of the topology in a local DynamoDB.
package tables

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/topology"
)

// Create makes the tables that are not there yet and returns when all are ready.
func Create(ctx context.Context, client *dynamodb.Client, prefix string) error {
	for _, t := range topology.Tables() {
		name := t.Name(prefix)
		_, err := client.CreateTable(ctx, input(t, name))
		var there *types.ResourceInUseException
		if err != nil && !errors.As(err, &there) {
			return fmt.Errorf("create table %s: %w", name, err)
		}
		err = dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
			Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
		if err != nil {
			return fmt.Errorf("wait for table %s: %w", name, err)
		}
	}
	return nil
}

func input(t topology.Table, name string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	key := func(k topology.Key, kind types.KeyType) {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &k.Name, AttributeType: types.ScalarAttributeType(k.Type)})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &k.Name, KeyType: kind})
	}
	key(t.Partition, types.KeyTypeHash)
	if t.Sort != nil {
		key(*t.Sort, types.KeyTypeRange)
	}
	for _, i := range t.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: &i.Name,
			KeySchema: []types.KeySchemaElement{
				{AttributeName: &i.Partition.Name, KeyType: types.KeyTypeHash},
				{AttributeName: &i.Sort.Name, KeyType: types.KeyTypeRange},
			},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
		for _, k := range []topology.Key{i.Partition, i.Sort} {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &k.Name, AttributeType: types.ScalarAttributeType(k.Type)})
		}
	}
	if t.Stream {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage}
	}
	return in
}
