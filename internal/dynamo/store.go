package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
)

// Store is the event store on one DynamoDB table. A commit is one item, keyed by its stream
// and the version of its first event, and appending it is one conditional write.
type Store struct {
	Client *dynamodb.Client
	Table  string
}

// fresh is the condition of every append. An item with this key is there or it is not, so
// asking for its partition key asks for the item.
const fresh = "attribute_not_exists(#stream)"

// Some attributes have names that DynamoDB reserves, so expressions use these instead.
var (
	streamName = map[string]string{"#stream": "stream"}
	keyNames   = map[string]string{"#stream": "stream", "#version": "version"}
)

// Append implements [es.Store]: one PutItem, or one TransactWriteItems for several streams.
func (s *Store) Append(ctx context.Context, pending ...es.Pending) error {
	err := es.CheckAppend(pending)
	switch {
	case err != nil:
		return err
	case len(pending) == 1:
		err = s.put(ctx, pending[0].Commit())
	default:
		err = s.transact(ctx, pending)
	}
	if errors.Is(err, es.ErrConflict) {
		stats.From(ctx).Conflict()
	}
	if err != nil {
		return err
	}
	for _, p := range pending {
		c := p.Commit()
		stats.From(ctx).Stored(stats.Stored{
			Stream: string(c.Stream), Version: uint64(c.Last()), Events: len(c.Events), CommandID: c.CommandID, CorrelationID: c.CorrelationID,
		})
	}
	return nil
}

func (s *Store) put(ctx context.Context, c es.Commit) error {
	_, err := s.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.Table,
		Item:                                encode(c),
		ConditionExpression:                 aws.String(fresh),
		ExpressionAttributeNames:            streamName,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return settle(c, failed.Item)
	}
	return unknown(err)
}

func (s *Store) transact(ctx context.Context, pending []es.Pending) error {
	items := make([]types.TransactWriteItem, len(pending))
	for i, p := range pending {
		items[i].Put = &types.Put{
			TableName:                           &s.Table,
			Item:                                encode(p.Commit()),
			ConditionExpression:                 aws.String(fresh),
			ExpressionAttributeNames:            streamName,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}
	}
	_, err := s.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	var canceled *types.TransactionCanceledException
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &canceled):
		return unknown(err)
	}
	return canceledBy(pending, canceled)
}

// canceledBy tells what an append has come to by the reasons that its transaction was
// canceled for. One failed condition settles it, whatever else there was.
func canceledBy(pending []es.Pending, canceled *types.TransactionCanceledException) error {
	refused := false
	for i, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			return settle(pending[i].Commit(), reason.Item)
		case "ValidationError":
			refused = true
		}
	}
	if refused {
		return fmt.Errorf("append: %w", canceled)
	}
	return unknown(canceled)
}

// settle tells a conflict from a lost reply: if the item in our place is the very commit we
// tried to store, an earlier try had stored it, and in a transaction all the others with it.
func settle(c es.Commit, there map[string]types.AttributeValue) error {
	stored, err := Decode(there)
	if err == nil && stored.Hash == c.Hash {
		return nil
	}
	return es.ErrConflict
}

// unknown is the error of an append that may have taken effect, unless the reply says that
// none of its tries can have: the request itself was wrong.
func unknown(err error) error {
	var reply smithy.APIError
	if errors.As(err, &reply) && slices.Contains(wrong, reply.ErrorCode()) {
		return fmt.Errorf("append: %w", err)
	}
	return fmt.Errorf("append: %w: %w", es.ErrUnavailable, err)
}

// unreadable is the error of a read, which may be tried again unless the request is wrong.
func unreadable(what string, err error) error {
	var reply smithy.APIError
	if errors.As(err, &reply) && slices.Contains(wrong, reply.ErrorCode()) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, es.ErrUnreachable, err)
}

var wrong = []string{"ValidationException", "ResourceNotFoundException", "AccessDeniedException", "UnrecognizedClientException"}

// Read implements [es.Store] with consistent queries, page by page.
func (s *Store) Read(ctx context.Context, stream es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		if r.Through > 0 && r.Through <= r.After {
			return
		}
		in := &dynamodb.QueryInput{
			TableName:                 &s.Table,
			ConsistentRead:            aws.Bool(true),
			ScanIndexForward:          aws.Bool(!r.Backward),
			KeyConditionExpression:    aws.String("#stream = :stream AND #version > :after"),
			ExpressionAttributeNames:  keyNames,
			ExpressionAttributeValues: map[string]types.AttributeValue{":stream": text(stream), ":after": number(r.After)},
		}
		if r.Through > 0 {
			in.KeyConditionExpression = aws.String("#stream = :stream AND #version BETWEEN :from AND :through")
			in.ExpressionAttributeValues = map[string]types.AttributeValue{":stream": text(stream), ":from": number(r.After + 1), ":through": number(r.Through)}
		}
		given := 0
		for {
			if r.Limit > 0 {
				in.Limit = aws.Int32(int32(r.Limit - given))
			}
			page, err := s.Client.Query(ctx, in)
			if err != nil {
				yield(es.Commit{}, unreadable("read a stream", err))
				return
			}
			for _, item := range page.Items {
				c, err := Decode(item)
				if !yield(c, err) || err != nil {
					return
				}
				given++
			}
			if page.LastEvaluatedKey == nil || r.Limit > 0 && given >= r.Limit {
				return
			}
			in.ExclusiveStartKey = page.LastEvaluatedKey
		}
	}
}

// scanPage is how many commits a scan reads at once. A megabyte, the most that DynamoDB gives,
// can take longer than a client waits.
const scanPage = 500

// Scan implements [es.Scanner] with a parallel scan. DynamoDB keeps the items of one partition
// key together and sorted by their sort key (Amazon DynamoDB Developer Guide, "Partitions and
// data distribution"). A place is the key of the last item before it.
func (s *Store) Scan(ctx context.Context, part, parts int, after []byte) iter.Seq2[es.Page, error] {
	return func(yield func(es.Page, error) bool) {
		in := &dynamodb.ScanInput{
			TableName: &s.Table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(scanPage),
			Segment: aws.Int32(int32(part)), TotalSegments: aws.Int32(int32(parts)),
		}
		for {
			if after != nil {
				key, err := attributevalue.UnmarshalMapJSON(after)
				if err != nil {
					yield(es.Page{}, fmt.Errorf("scan the events from %q: %w", after, err))
					return
				}
				in.ExclusiveStartKey = key
			}
			var page es.Page
			commits, last, err := s.scan(ctx, in)
			if page.Commits = commits; last != nil {
				page.Next, err = attributevalue.MarshalMapJSON(last)
			}
			if !yield(page, err) || err != nil || page.Next == nil {
				return
			}
			after = page.Next
		}
	}
}

func (s *Store) scan(ctx context.Context, in *dynamodb.ScanInput) (all []es.Scanned, last map[string]types.AttributeValue, err error) {
	out, err := s.Client.Scan(ctx, in)
	if err != nil {
		return nil, nil, unreadable("scan the events", err)
	}
	all = make([]es.Scanned, len(out.Items))
	for i, item := range out.Items {
		c, err := Decode(item)
		if err != nil && !errors.As(err, &all[i].Err) {
			return nil, nil, err
		}
		all[i].Commit = c
	}
	return all, out.LastEvaluatedKey, nil
}

// Count implements [es.Scanner]. DynamoDB counts about every six hours.
func (s *Store) Count(ctx context.Context) (int64, error) {
	out, err := s.Client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.Table})
	if err != nil {
		return 0, fmt.Errorf("count the events: %w", err)
	}
	return aws.ToInt64(out.Table.ItemCount), nil
}
