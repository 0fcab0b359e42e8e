package eventsource

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/interview-sandbox/annals/internal/topology"
)

// wanted reports whether a record meets the filter criteria. As in the one pattern that
// they are on AWS, both conditions have to hold, and a string set meets its condition with
// any one of its members.
func wanted(f topology.EventSource, r types.Record) bool {
	if len(f.EventNames) > 0 && !slices.Contains(f.EventNames, string(r.EventName)) {
		return false
	}
	if len(f.StreamTypes) == 0 {
		return true
	}
	set, _ := r.Dynamodb.NewImage["types"].(*types.AttributeValueMemberSS)
	return set != nil && slices.ContainsFunc(set.Value, func(t string) bool { return slices.Contains(f.StreamTypes, t) })
}
