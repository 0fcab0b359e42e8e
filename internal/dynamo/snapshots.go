package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/es"
)

// Snapshots keeps the newest snapshot of each stream in a table: "stream" is the key,
// "version", "at" and "tip" say which commit it was made after, "reducer" and "shape" by which reducer and of which type,
// "state" is JSON, or "sealed" what the key of "subject" opens to it, "recent" the last commands, "hash" covers all of these.
type Snapshots struct {
	Client *dynamodb.Client
	Table  string
}

// Load implements [es.SnapshotStore] with one GetItem. It may be a moment old, which costs
// half and does no harm: what follows the snapshot is read from the stream.
func (s *Snapshots) Load(ctx context.Context, stream es.Stream) (es.Snapshot, bool, error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.Table, Key: map[string]types.AttributeValue{"stream": text(stream)}})
	if err != nil {
		return es.Snapshot{}, false, unreadable("load a snapshot", err)
	}
	if out.Item == nil {
		return es.Snapshot{}, false, nil
	}
	snapshot, ok := decodeSnapshot(out.Item)
	return snapshot, ok, nil
}

// Save implements [es.SnapshotStore] with one conditional PutItem, and a second one if what
// is there turns out to be damaged.
func (s *Snapshots) Save(ctx context.Context, snapshot es.Snapshot, rejected es.Hash) error {
	item := map[string]types.AttributeValue{
		"stream":  text(snapshot.Stream),
		"version": number(snapshot.Version),
		"at":      text(snapshot.At.UTC().Format(timeForm)),
		"tip":     binary(snapshot.Tip[:]),
		"reducer": number(snapshot.Reducer),
		"shape":   number(uint64(snapshot.Shape)),
		"recent":  binary(snapshot.Recent),
		"hash":    binary(snapshot.Hash[:]),
	}
	if snapshot.Subject == "" {
		item["state"] = text(string(snapshot.State))
	} else {
		item["sealed"], item["subject"] = binary(snapshot.State), text(snapshot.Subject)
	}
	if len(snapshot.State)+len(snapshot.Recent) > es.MaxCommitBytes {
		return fmt.Errorf("save a snapshot of %d bytes: %w", len(snapshot.State), es.ErrTooLarge)
	}
	there, err := s.put(ctx, item, "attribute_not_exists(#stream) OR #reducer < :reducer OR (#reducer = :reducer AND #version < :version) OR #hash = :rejected",
		map[string]string{"#stream": "stream", "#reducer": "reducer", "#version": "version", "#hash": "hash"},
		map[string]types.AttributeValue{":reducer": item["reducer"], ":version": item["version"], ":rejected": binary(rejected[:])})
	if !errors.Is(err, es.ErrConflict) {
		return err
	}
	if found, ok := decodeSnapshot(there); ok && found.Hash == found.ComputeHash() {
		return es.ErrConflict
	}
	if there["hash"] == nil {
		_, err = s.put(ctx, item, "attribute_not_exists(#hash)", map[string]string{"#hash": "hash"}, nil)
		return err
	}
	_, err = s.put(ctx, item, "#hash = :damaged", map[string]string{"#hash": "hash"}, map[string]types.AttributeValue{":damaged": there["hash"]})
	return err
}

func (s *Snapshots) put(ctx context.Context, item map[string]types.AttributeValue, condition string, names map[string]string, values map[string]types.AttributeValue) (there map[string]types.AttributeValue, err error) {
	_, err = s.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &s.Table,
		Item:                                item,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &failed):
		return failed.Item, es.ErrConflict
	case err != nil:
		return nil, fmt.Errorf("save a snapshot: %w", err)
	}
	return nil, nil
}

// ScanAll implements [es.SnapshotScanner] with a parallel scan.
func (s *Snapshots) ScanAll(ctx context.Context, part, parts int) iter.Seq2[es.Snapshot, error] {
	return func(yield func(es.Snapshot, error) bool) {
		in := &dynamodb.ScanInput{TableName: &s.Table, Segment: aws.Int32(int32(part)), TotalSegments: aws.Int32(int32(parts))}
		for {
			page, err := s.Client.Scan(ctx, in)
			if err != nil {
				yield(es.Snapshot{}, unreadable("scan the snapshots", err))
				return
			}
			for _, item := range page.Items {
				snapshot, _ := decodeSnapshot(item)
				if !yield(snapshot, nil) {
					return
				}
			}
			if in.ExclusiveStartKey = page.LastEvaluatedKey; page.LastEvaluatedKey == nil {
				return
			}
		}
	}
}

func decodeSnapshot(item map[string]types.AttributeValue) (es.Snapshot, bool) {
	r := reader{item: item}
	snapshot := es.Snapshot{
		Stream:  es.Stream(r.text("stream")),
		Version: es.Version(r.number("version")),
		At:      r.time("at"),
		Tip:     r.hash("tip"),
		Reducer: int(r.number("reducer")),
		Shape:   uint32(r.number("shape")),
		Subject: r.optional("subject"),
		Recent:  r.binary("recent"),
		Hash:    r.hash("hash"),
	}
	if snapshot.Subject == "" {
		snapshot.State = []byte(r.text("state"))
	} else {
		snapshot.State = r.binary("sealed")
	}
	return snapshot, r.damage == ""
}
