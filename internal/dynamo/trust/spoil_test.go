package trust_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

// spoilers put something else in the place of a snapshot. Whatever they put there, nobody
// may be told anything wrong.
var spoilers = []func(snapshot item, s es.Snapshot){
	func(i item, _ es.Snapshot) { i["state"] = text(`["forged"]`) },
	func(i item, _ es.Snapshot) { i["version"] = number("1") },
	func(i item, _ es.Snapshot) { i["version"] = number("999") },
	func(i item, _ es.Snapshot) { i["recent"] = &types.AttributeValueMemberB{Value: []byte{1}} },
	func(i item, _ es.Snapshot) { delete(i, "hash") },
	func(i item, _ es.Snapshot) { delete(i, "at") },
	func(i item, s es.Snapshot) { // of a program before this one, which made other states
		s.Reducer, s.State = accounts.Reducer-1, []byte(`["outdated"]`)
		hash := s.ComputeHash()
		i["reducer"], i["state"] = number(fmt.Sprint(s.Reducer)), text(string(s.State))
		i["hash"] = &types.AttributeValueMemberB{Value: hash[:]}
	},
}

// spoilSnapshot spoils the snapshot that an account has, if it has one.
func spoilSnapshot(ctx context.Context, account string, how int) error {
	stream := es.NewStream(accounts.Category, account)
	snapshot, ok, err := (&dynamo.Snapshots{Client: clean.Client, Table: snapshotsTable}).Load(ctx, stream)
	if err != nil || !ok {
		return err
	}
	there, err := clean.Client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(snapshotsTable), Key: item{"stream": text(string(stream))}})
	if err != nil {
		return err
	}
	spoilers[how](there.Item, snapshot)
	if _, err = clean.Client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(snapshotsTable), Item: there.Item}); err != nil {
		return fmt.Errorf("spoil a snapshot: %w", err)
	}
	return nil
}
