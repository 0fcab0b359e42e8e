package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Parked keeps what is parked in a table: "view" is "<view>.<generation>", "stream" the
// stream; "version", "error", "attempts", "firstAt" and "lastAt" tell what happened.
type Parked struct {
	Client *dynamodb.Client
	Table  string
}

// Park implements [projection.ParkedStore] with one conditional UpdateItem.
func (p *Parked) Park(ctx context.Context, e projection.Parked) error {
	_, err := p.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &p.Table,
		Key:       parkedKey(e.View, e.Generation, e.Stream),
		UpdateExpression: aws.String("SET #version = :version, #error = :error, #lastAt = :at, #firstAt = if_not_exists(#firstAt, :at) " +
			"ADD #attempts :one"),
		ConditionExpression: aws.String("attribute_not_exists(#version) OR #version <= :version"),
		ExpressionAttributeNames: map[string]string{
			"#version": "version", "#error": "error", "#firstAt": "firstAt", "#lastAt": "lastAt", "#attempts": "attempts",
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":version": number(e.Version), ":error": text(e.Error), ":at": text(e.LastAt.UTC().Format(timeForm)), ":one": number(1),
		},
	})
	var failed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("park a stream: %w", err)
	}
	return nil
}

// Unpark implements [projection.ParkedStore] with one conditional DeleteItem.
func (p *Parked) Unpark(ctx context.Context, view string, generation int, s es.Stream, through es.Version) error {
	_, err := p.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 &p.Table,
		Key:                       parkedKey(view, generation, s),
		ConditionExpression:       aws.String("#version <= :through"),
		ExpressionAttributeNames:  map[string]string{"#version": "version"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":through": number(through)},
	})
	var failed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &failed) {
		return fmt.Errorf("unpark a stream: %w", err)
	}
	return nil
}

// ListParked implements [projection.ParkedStore] with a Scan: little is ever parked.
func (p *Parked) ListParked(ctx context.Context, after string, limit int) (page []projection.Parked, next string, err error) {
	in := &dynamodb.ScanInput{TableName: &p.Table, Limit: aws.Int32(int32(limit))}
	if after != "" {
		view, stream, _ := strings.Cut(after, " ")
		if view == "" || stream == "" || len(view) > maxPartitionKey || len(stream) > maxSortKey {
			return nil, "", projection.ErrPlace
		}
		in.ExclusiveStartKey = map[string]types.AttributeValue{"view": text(view), "stream": text(stream)}
	}
	out, err := p.Client.Scan(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("list what is parked: %w", err)
	}
	for _, item := range out.Items {
		e, err := decodeParked(item)
		if err != nil {
			return nil, "", err
		}
		page = append(page, e)
	}
	if last := out.LastEvaluatedKey; last != nil {
		r := reader{item: last}
		next = r.text("view") + " " + r.text("stream")
	}
	return page, next, nil
}

// Count tells how many notes there are, with a Scan that reads all of them.
func (p *Parked) Count(ctx context.Context) (n int, err error) {
	in := &dynamodb.ScanInput{TableName: &p.Table, Select: types.SelectCount}
	for {
		page, err := p.Client.Scan(ctx, in)
		if err != nil {
			return 0, fmt.Errorf("count what is parked: %w", err)
		}
		n += int(page.Count)
		if page.LastEvaluatedKey == nil {
			return n, nil
		}
		in.ExclusiveStartKey = page.LastEvaluatedKey
	}
}

func decodeParked(item map[string]types.AttributeValue) (projection.Parked, error) {
	r := reader{item: item}
	view, generation, _ := strings.Cut(r.text("view"), ".")
	n, err := strconv.Atoi(generation)
	if err != nil {
		r.fail("view", "has no generation")
	}
	e := projection.Parked{
		View: view, Generation: n, Stream: es.Stream(r.text("stream")), Version: es.Version(r.number("version")),
		Error: r.text("error"), Attempts: int(r.number("attempts")), FirstAt: r.time("firstAt"), LastAt: r.time("lastAt"),
	}
	if r.damage != "" {
		return e, fmt.Errorf("a parked stream's attribute %s", r.damage)
	}
	return e, nil
}

func parkedKey(view string, generation int, s es.Stream) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"view": text(view + "." + strconv.Itoa(generation)), "stream": text(s)}
}
