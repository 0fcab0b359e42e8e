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

// Create makes the tables that are not there yet and returns when all are ready. A table that
// was only half made when a process was killed is made anew.
func Create(ctx context.Context, client *dynamodb.Client, prefix string) error {
	for _, t := range topology.Tables() {
		name := t.Name(prefix)
		if err := create(ctx, client, t, name); err != nil {
			return fmt.Errorf("create table %s: %w", name, err)
		}
	}
	return nil
}

// StopStreams turns the streams of the tables off, for programs that write much and read no
// stream: at every write dynoxide looks through all of a table's stream records.
func StopStreams(ctx context.Context, client *dynamodb.Client, prefix string) error {
	for _, t := range topology.Tables() {
		if !t.Stream {
			continue
		}
		off := &types.StreamSpecification{StreamEnabled: aws.Bool(false)}
		if _, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: aws.String(t.Name(prefix)), StreamSpecification: off}); err != nil {
			return fmt.Errorf("turn the stream of table %s off: %w", t.Name(prefix), err)
		}
	}
	return nil
}

func create(ctx context.Context, client *dynamodb.Client, t topology.Table, name string) error {
	_, err := client.CreateTable(ctx, input(t, name))
	var there *types.ResourceInUseException
	if err != nil && !errors.As(err, &there) {
		return err
	}
	if there != nil {
		if whole, err := check(ctx, client, t, name); whole || err != nil {
			return err
		}
		if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			return err
		}
		if _, err := client.CreateTable(ctx, input(t, name)); err != nil {
			return err
		}
	}
	return dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, time.Minute)
}

// check reports whether a table is as the topology has it. One that is not, and can be made
// anew because it holds nothing, is not whole; one that holds something is an error.
func check(ctx context.Context, client *dynamodb.Client, t topology.Table, name string) (whole bool, err error) {
	described, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		return false, err
	}
	stream := described.Table.StreamSpecification
	same := len(described.Table.GlobalSecondaryIndexes) == len(t.Indexes) && t.Stream == (stream != nil && aws.ToBool(stream.StreamEnabled))
	found, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &name, Limit: aws.Int32(1)})
	if err != nil {
		return false, ctx.Err() // there is no table behind the name
	}
	for _, i := range t.Indexes {
		if _, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: &name, IndexName: &i.Name, Limit: aws.Int32(1)}); err != nil {
			same = false
		}
	}
	if !same && found.Count > 0 {
		return false, errors.New("there is one of this name that is another, with data in it")
	}
	return same, nil
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
