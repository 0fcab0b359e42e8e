package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Deadlines keeps deadlines in a table: "shard" is the shard, "due" is "<time>#<id>", or
// "parked#<id>", which sorts after every time. The rest is under the fields' names.
type Deadlines struct {
	Client *dynamodb.Client
	Table  string
}

var deadlineNames = map[string]string{"#shard": "shard", "#due": "due"}

// SetDeadline implements [projection.DeadlineStore] with one PutItem.
func (s *Deadlines) SetDeadline(ctx context.Context, d projection.Deadline) error {
	item := deadlineKey(d)
	for name, value := range map[string]string{
		"name": d.Name, "id": d.ID, "reactor": d.Reactor, "stream": string(d.Stream),
		"causationId": d.CausationID, "correlationId": d.CorrelationID, "trace": d.Trace,
	} {
		if value != "" {
			item[name] = text(value)
		}
	}
	item["at"], item["version"] = text(d.At.UTC().Format(timeForm)), number(d.Version)
	if d.Decided > 0 {
		item["decided"] = number(d.Decided)
	}
	if d.Effect > 0 {
		item["effect"] = number(d.Effect)
	}
	if d.Parked {
		item["parked"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	in := &dynamodb.PutItemInput{TableName: &s.Table, Item: item}
	if d.Decided == 0 && !d.Parked {
		in.ConditionExpression, in.ExpressionAttributeNames = aws.String("attribute_not_exists(#shard)"), map[string]string{"#shard": "shard"}
	}
	_, err := s.Client.PutItem(ctx, in)
	var there *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &there) {
		return fmt.Errorf("set a deadline: %w", err)
	}
	return nil
}

// ClearDeadline implements [projection.DeadlineStore] with one DeleteItem.
func (s *Deadlines) ClearDeadline(ctx context.Context, d projection.Deadline) error {
	if _, err := s.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table, Key: deadlineKey(d)}); err != nil {
		return fmt.Errorf("clear a deadline: %w", err)
	}
	return nil
}

// ListDue implements [projection.DeadlineStore] with one Query. A place is the sort key of the
// last deadline before it.
func (s *Deadlines) ListDue(ctx context.Context, shard int, by time.Time, after string, limit int) (page []projection.Deadline, next string, err error) {
	in := &dynamodb.QueryInput{
		TableName:                &s.Table,
		Limit:                    aws.Int32(int32(limit)),
		KeyConditionExpression:   aws.String("#shard = :shard AND #due < :end"),
		ExpressionAttributeNames: deadlineNames,
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":shard": text(strconv.Itoa(shard)),
			":end":   text(by.UTC().Format(timeForm) + "$"), // what follows '#'
		},
	}
	if after != "" {
		in.ExclusiveStartKey = map[string]types.AttributeValue{"shard": text(strconv.Itoa(shard)), "due": text(after)}
	}
	out, err := s.Client.Query(ctx, in)
	if err != nil {
		return nil, "", unreadable("list deadlines", err)
	}
	for _, item := range out.Items {
		d, err := decodeDeadline(item)
		if err != nil {
			return nil, "", err
		}
		page = append(page, d)
	}
	if last := out.LastEvaluatedKey; last != nil {
		r := reader{item: last}
		next = r.text("due")
	}
	return page, next, nil
}

// LoadParkedDeadline implements [projection.DeadlineStore] with one GetItem.
func (s *Deadlines) LoadParkedDeadline(ctx context.Context, id string) (d projection.Deadline, ok bool, err error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.Table, Key: deadlineKey(projection.Deadline{ID: id, Parked: true}), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return d, false, unreadable("load a deadline", err)
	}
	if out.Item == nil {
		return d, false, nil
	}
	d, err = decodeDeadline(out.Item)
	return d, err == nil, err
}

func deadlineKey(d projection.Deadline) map[string]types.AttributeValue {
	due := d.At.UTC().Format(timeForm)
	if d.Parked {
		due = "parked"
	}
	return map[string]types.AttributeValue{"shard": text(strconv.Itoa(d.Shard())), "due": text(due + "#" + d.ID)}
}

func decodeDeadline(item map[string]types.AttributeValue) (projection.Deadline, error) {
	r := reader{item: item}
	d := projection.Deadline{
		Name: r.optional("name"), At: r.time("at"), ID: r.text("id"), Reactor: r.text("reactor"),
		Stream: es.Stream(r.text("stream")), Version: es.Version(r.number("version")),
		CausationID: r.optional("causationId"), CorrelationID: r.optional("correlationId"), Trace: r.optional("trace"),
		Parked: item["parked"] != nil,
	}
	if item["decided"] != nil {
		d.Decided = es.Version(r.number("decided"))
	}
	if item["effect"] != nil {
		d.Effect = int(r.number("effect"))
	}
	if r.damage != "" {
		return d, fmt.Errorf("a deadline's attribute %s", r.damage)
	}
	return d, nil
}
