package eventsource

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/interview-sandbox/annals/internal/topology"
)

// A response names a record of the batch to go on from, its end, or its beginning.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"2"}]}`))
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":""}]}`))
	f.Add([]byte(` null `))
	f.Fuzz(func(t *testing.T, response []byte) {
		records := []record{{sequence: "1"}, {sequence: "2"}, {sequence: "3"}}
		if n := firstFailed(response, records); n < 0 || n > len(records) {
			t.Errorf("%q goes on from %d", response, n)
		}
	})
}

// A checkpoint is that of its stream or none.
func FuzzCheckpoint(f *testing.F) {
	f.Add([]byte(`{"streamArn":"arn","sequenceNumber":"7"}`), "arn")
	f.Add([]byte(`{`), "arn")
	f.Fuzz(func(t *testing.T, text []byte, arn string) {
		path := filepath.Join(t.TempDir(), "checkpoint")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		sequence, err := readCheckpoint(path, arn)
		if err != nil || sequence == "" {
			return
		}
		if err := writeCheckpoint(path, arn, sequence); err != nil {
			t.Fatal(err)
		}
		if back, err := readCheckpoint(path, arn); err != nil || back != sequence {
			t.Errorf("%q becomes %q, error %v", sequence, back, err)
		}
	})
}

// A filter wants a record only if one of its types is listed.
func FuzzFilter(f *testing.F) {
	f.Add("INSERT", "INSERT", "user.created.v1", "user.created.v1")
	f.Add("INSERT", "REMOVE", "", "x")
	f.Fuzz(func(t *testing.T, wantedName, name, wantedType, eventType string) {
		source := topology.EventSource{EventNames: []string{wantedName}, StreamTypes: []string{wantedType}}
		r := types.Record{EventName: types.OperationType(name), Dynamodb: &types.StreamRecord{NewImage: map[string]types.AttributeValue{"types": stringSet("other", eventType)}}}
		listed := wantedName == name && (wantedType == eventType || wantedType == "other")
		if wanted(source, r) != listed {
			t.Errorf("%+v wants %+v: %v", source, r, !listed)
		}
	})
}
