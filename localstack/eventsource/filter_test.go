package eventsource

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/interview-sandbox/annals/internal/topology"
)

func TestARecordHasToMeetTheWholeFilter(t *testing.T) {
	inserts := []string{"INSERT"}
	for _, c := range []struct {
		rule          string
		names, events []string
		record        types.OperationType
		types         types.AttributeValue
		want          bool
	}{
		{"no filter wants everything", nil, nil, "REMOVE", nil, true},
		{"the event's name has to be listed", inserts, nil, "INSERT", nil, true},
		{"another event's name is not wanted", inserts, nil, "MODIFY", nil, false},
		{"one member of the set is enough", inserts, []string{"a", "b"}, "INSERT", stringSet("x", "b"), true},
		{"a set without a listed member is not wanted", inserts, []string{"a", "b"}, "INSERT", stringSet("x", "ab"), false},
		{"an item without the set is not wanted", inserts, []string{"a"}, "INSERT", nil, false},
		{"a list is no set", inserts, []string{"a"}, "INSERT", &types.AttributeValueMemberS{Value: "a"}, false},
		{"both conditions have to hold", inserts, []string{"a"}, "MODIFY", stringSet("a"), false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := types.Record{EventName: c.record, Dynamodb: &types.StreamRecord{}}
			if c.types != nil {
				r.Dynamodb.NewImage = map[string]types.AttributeValue{"types": c.types}
			}
			if got := wanted(topology.EventSource{EventNames: c.names, StreamTypes: c.events}, r); got != c.want {
				t.Errorf("wanted: %v", got)
			}
		})
	}
}

func stringSet(members ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: members}
}
