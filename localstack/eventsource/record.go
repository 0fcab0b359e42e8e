package eventsource

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// record is a stream record on its way to the function.
type record struct {
	sequence string
	previous string // sequence number of the record in front of it in the shard, wanted or not
	created  time.Time
	event    []byte // as the function receives it
}

// event is a record of a DynamoDB event as Lambda writes it.
type event struct {
	ID        string `json:"eventID"`
	Name      string `json:"eventName"`
	Version   string `json:"eventVersion"`
	Source    string `json:"eventSource"`
	Region    string `json:"awsRegion"`
	Change    change `json:"dynamodb"`
	SourceARN string `json:"eventSourceARN"`
}

type change struct {
	Created  int64          `json:"ApproximateCreationDateTime"` // Unix seconds
	Keys     jsontext.Value `json:"Keys"`
	NewImage jsontext.Value `json:"NewImage,omitzero"`
	OldImage jsontext.Value `json:"OldImage,omitzero"`
	Sequence string         `json:"SequenceNumber"`
	Size     int64          `json:"SizeBytes"`
	ViewType string         `json:"StreamViewType"`
}

func newRecord(r types.Record, streamARN, previous string) (record, error) {
	sequence := aws.ToString(r.Dynamodb.SequenceNumber)
	created := aws.ToTime(r.Dynamodb.ApproximateCreationDateTime)
	e := event{
		ID:        aws.ToString(r.EventID),
		Name:      string(r.EventName),
		Version:   aws.ToString(r.EventVersion),
		Source:    aws.ToString(r.EventSource),
		Region:    aws.ToString(r.AwsRegion),
		SourceARN: streamARN,
		Change: change{
			Created:  created.Unix(),
			Sequence: sequence,
			Size:     aws.ToInt64(r.Dynamodb.SizeBytes),
			ViewType: string(r.Dynamodb.StreamViewType),
		},
	}
	var err error
	for _, part := range []struct {
		item map[string]types.AttributeValue
		into *jsontext.Value
	}{
		{r.Dynamodb.Keys, &e.Change.Keys},
		{r.Dynamodb.NewImage, &e.Change.NewImage},
		{r.Dynamodb.OldImage, &e.Change.OldImage},
	} {
		if *part.into, err = itemJSON(part.item); err != nil {
			return record{}, fmt.Errorf("record %s: %w", sequence, err)
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		return record{}, fmt.Errorf("record %s: %w", sequence, err)
	}
	return record{sequence: sequence, previous: previous, created: created, event: text}, nil
}

// itemJSON is the DynamoDB JSON of an item, nil if there is none.
func itemJSON(item map[string]types.AttributeValue) (jsontext.Value, error) {
	if item == nil {
		return nil, nil
	}
	values, err := attributevalue.FromDynamoDBStreamsMap(item)
	if err != nil {
		return nil, err
	}
	return attributevalue.MarshalMapJSON(values)
}

const payloadHead, payloadTail = `{"Records":[`, `]}`

// payload is the function's event for some records.
func payload(records []record) []byte {
	p := []byte(payloadHead)
	for i, r := range records {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(p, r.event...)
	}
	return append(p, payloadTail...)
}
