package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/trace"
)

// metered makes a client note what each request costs in the record of its context.
func metered(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("meter", meter), middleware.Before)
	})
}

func meter(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	record := stats.From(ctx)
	if record == nil {
		return next.HandleInitialize(ctx, in)
	}
	ask(in.Parameters)
	called := calling(ctx, record)
	out, metadata, err := next.HandleInitialize(ctx, in)
	cost := costOf(out.Result)
	if tries, ok := retry.GetAttemptResults(metadata); ok {
		cost.RoundTrips = len(tries.Results)
		cost.Retries = max(0, cost.RoundTrips-1)
	}
	record.Used(cost)
	called(err)
	return out, metadata, err
}

// calling begins the span of a request, if there are to be any, and gives what ends it. The
// names are those of OpenTelemetry's semantic conventions for DynamoDB.
func calling(ctx context.Context, record *stats.Record) (called func(error)) {
	if !record.Traced() {
		return notTraced
	}
	begun, operation := record.Now(), middleware.GetOperationName(ctx)
	return func(err error) {
		record.Called("DynamoDB."+operation, begun, []trace.Attribute{
			{Name: "db.system.name", Value: "aws.dynamodb"}, {Name: "db.operation.name", Value: operation},
		}, err != nil)
	}
}

func notTraced(error) {}

// ask makes DynamoDB tell what a request costs.
func ask(parameters any) {
	const total = types.ReturnConsumedCapacityTotal
	switch p := parameters.(type) {
	case *dynamodb.GetItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.BatchGetItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.QueryInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.ScanInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.PutItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.UpdateItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.DeleteItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.BatchWriteItemInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.BatchExecuteStatementInput:
		p.ReturnConsumedCapacity = total
	case *dynamodb.TransactWriteItemsInput:
		p.ReturnConsumedCapacity = total
	}
}

// costOf is what a reply says that its request cost.
func costOf(reply any) (c stats.Cost) {
	switch r := reply.(type) {
	case *dynamodb.GetItemOutput:
		c.ReadUnits = units(r.ConsumedCapacity)
	case *dynamodb.BatchGetItemOutput:
		c.ReadUnits = sum(r.ConsumedCapacity)
	case *dynamodb.QueryOutput:
		c.ReadUnits = units(r.ConsumedCapacity)
	case *dynamodb.ScanOutput:
		c.ReadUnits = units(r.ConsumedCapacity)
	case *dynamodb.PutItemOutput:
		c.WriteUnits = units(r.ConsumedCapacity)
	case *dynamodb.UpdateItemOutput:
		c.WriteUnits = units(r.ConsumedCapacity)
	case *dynamodb.DeleteItemOutput:
		c.WriteUnits = units(r.ConsumedCapacity)
	case *dynamodb.BatchWriteItemOutput:
		c.WriteUnits = sum(r.ConsumedCapacity)
	case *dynamodb.BatchExecuteStatementOutput:
		c.WriteUnits = sum(r.ConsumedCapacity) // the store only inserts by statements
	case *dynamodb.TransactWriteItemsOutput:
		c.WriteUnits = sum(r.ConsumedCapacity)
	}
	return c
}

func sum(all []types.ConsumedCapacity) (n float64) {
	for _, c := range all {
		n += units(&c)
	}
	return n
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}
