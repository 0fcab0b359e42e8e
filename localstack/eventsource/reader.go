package eventsource

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// reader reads one shard from a position on.
type reader struct {
	client    *dynamodbstreams.Client
	streamARN string
	shardID   string
	position  string  // sequence number of the last record that was read, "" for none
	iterator  *string // nil if it has to be asked for
	trimmed   bool    // the position has left the stream: go on at its oldest record
	ended     bool    // there are no more records to read
}

// read returns the next records, none if there are none at the moment. After any error the
// next call asks for a new iterator, so that an expired one is like any other failure.
func (r *reader) read(ctx context.Context) ([]types.Record, error) {
	out, err := r.request(ctx)
	if err != nil {
		r.iterator = nil
		var trimmed *types.TrimmedDataAccessException
		r.trimmed = r.trimmed || errors.As(err, &trimmed)
		return nil, err
	}
	r.iterator, r.trimmed = out.NextShardIterator, false
	r.ended = r.iterator == nil
	return out.Records, nil
}

func (r *reader) request(ctx context.Context) (*dynamodbstreams.GetRecordsOutput, error) {
	if r.iterator == nil {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &r.streamARN, ShardId: &r.shardID, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
		if r.position != "" && !r.trimmed {
			in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &r.position
		}
		out, err := r.client.GetShardIterator(ctx, in)
		if err != nil {
			return nil, err
		}
		r.iterator = out.ShardIterator
	}
	return r.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: r.iterator})
}
