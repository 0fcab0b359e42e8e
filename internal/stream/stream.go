// Package stream takes batches of records from the event table's stream, as Lambda hands
// them to a function, and reports which of them have to come again.
package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/trace"
)

// Batch is what Lambda hands over: aws-lambda-go's DynamoDBEvent, but with the images left
// in DynamoDB's JSON, which the SDK decodes.
type Batch struct {
	Records []Record `json:"Records"`
}

// Record is one change of an item.
type Record struct {
	Change struct {
		SequenceNumber string          `json:"SequenceNumber"`
		NewImage       json.RawMessage `json:"NewImage"`
	} `json:"dynamodb"`
}

// Commit is the commit that the record is about.
func (r Record) Commit() (es.Commit, error) {
	item, err := attributevalue.UnmarshalMapJSON(r.Change.NewImage)
	if err != nil {
		return es.Commit{}, fmt.Errorf("read a stream record: %w", err)
	}
	return dynamo.Decode(item)
}

// Consumer handles the batches of one function.
type Consumer struct {
	// Consume takes commits and gives the error of each one that has to come again, by its
	// place.
	Consume func(context.Context, []es.Commit) map[int]error
	// Damaged takes note of a record that is no commit, which coming again would not change.
	Damaged func(context.Context, *es.DamagedError) error
}

// Handle hands a batch to Consume and reports what failed by sequence numbers, so that
// Lambda repeats the batch from the first failure on and counts what came before as done.
func (c *Consumer) Handle(ctx context.Context, in Batch) (out events.DynamoDBEventResponse, _ error) {
	var (
		commits []es.Commit
		places  []int // of the commits' records
		failed  = map[int]error{}
	)
	record := stats.From(ctx)
	for i, r := range in.Records {
		commit, err := r.Commit()
		if damaged := (*es.DamagedError)(nil); errors.As(err, &damaged) && damaged.Stream != "" {
			err = c.Damaged(ctx, damaged)
			if err == nil {
				continue
			}
		}
		if err != nil {
			failed[i] = err
			continue
		}
		commits, places = append(commits, commit), append(places, i)
		command, _ := trace.Parse(commit.Trace)
		record.Took(stats.Cause{CorrelationID: commit.CorrelationID, Context: command})
	}
	for i, err := range c.Consume(ctx, commits) {
		failed[places[i]] = err
	}
	out.BatchItemFailures = []events.DynamoDBBatchItemFailure{}
	for _, i := range slices.Sorted(maps.Keys(failed)) {
		number := in.Records[i].Change.SequenceNumber
		record.Failed(number, failed[i])
		out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: number})
	}
	return out, nil
}
