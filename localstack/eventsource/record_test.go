package eventsource

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const arnOfStream = "arn:aws:dynamodb:eu-central-1:123456789012:table/annals-events/stream/2026-01-01T00:00:00.000"

func TestAPayloadIsTheEventThatLambdaDelivers(t *testing.T) {
	image := map[string]types.AttributeValue{
		"s": &types.AttributeValueMemberS{Value: "text \"ä\u2028<&>"}, "n": &types.AttributeValueMemberN{Value: "-1.50"},
		"b": &types.AttributeValueMemberB{Value: []byte{0, 255}}, "bool": &types.AttributeValueMemberBOOL{Value: true},
		"null": &types.AttributeValueMemberNULL{Value: true},
		"l":    &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"x": &types.AttributeValueMemberS{}}}}},
		"ss":   stringSet("a", "b"), "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
	}
	made, err := newRecord(types.Record{
		EventID: aws.String("7de3041dd709b024af6f29e4fa13d34c"), EventName: types.OperationTypeInsert, EventVersion: aws.String("1.1"),
		EventSource: aws.String("aws:dynamodb"), AwsRegion: aws.String("eu-central-1"),
		Dynamodb: &types.StreamRecord{
			ApproximateCreationDateTime: aws.Time(epoch), SequenceNumber: aws.String("4421584500000000017450439091"), SizeBytes: aws.Int64(26),
			StreamViewType: types.StreamViewTypeNewImage, Keys: map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: "user#1"}}, NewImage: image,
		},
	}, arnOfStream, "")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Records":[{
		"eventID":"7de3041dd709b024af6f29e4fa13d34c","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-central-1",
		"dynamodb":{"ApproximateCreationDateTime":1767225600,"Keys":{"stream":{"S":"user#1"}},
			"NewImage":{"s":{"S":"text \"ä\u2028<&>"},"n":{"N":"-1.50"},"b":{"B":"AP8="},"bool":{"BOOL":true},"null":{"NULL":true},
				"l":{"L":[{"M":{"x":{"S":""}}}]},"ss":{"SS":["a","b"]},"ns":{"NS":["1","2"]},"bs":{"BS":["AQ=="]}},
			"SequenceNumber":"4421584500000000017450439091","SizeBytes":26,"StreamViewType":"NEW_IMAGE"},
		"eventSourceARN":"` + arnOfStream + `"}]}`
	sent := payload([]record{made})
	if got := decoded(t, sent); !reflect.DeepEqual(got, decoded(t, []byte(want))) {
		t.Errorf("the payload is %s", sent)
	}
	var e events.DynamoDBEvent
	if err := json.Unmarshal(sent, &e); err != nil {
		t.Fatalf("aws-lambda-go cannot read it: %v", err)
	}
	if change := e.Records[0].Change; !change.ApproximateCreationDateTime.Equal(epoch) || string(change.NewImage["b"].Binary()) != "\x00\xff" {
		t.Errorf("aws-lambda-go reads %v", change)
	}
}

func TestAnImageThatTheStreamDoesNotHaveIsLeftOut(t *testing.T) {
	made, err := newRecord(types.Record{EventName: types.OperationTypeRemove, Dynamodb: &types.StreamRecord{
		ApproximateCreationDateTime: aws.Time(time.Unix(1, 0)), SequenceNumber: aws.String("1"), Keys: map[string]types.AttributeValue{},
		OldImage: map[string]types.AttributeValue{"s": &types.AttributeValueMemberS{Value: "gone"}},
	}}, arnOfStream, "")
	if err != nil {
		t.Fatal(err)
	}
	change := decoded(t, made.event).(map[string]any)["dynamodb"].(map[string]any)
	if _, there := change["NewImage"]; there || change["OldImage"] == nil {
		t.Errorf("the change is %v", change)
	}
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}
