package eventsource

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// lineage keeps items in order across shards: "because shards have a lineage (parent and
// children), an application must always process a parent shard before it processes a child
// shard" (DynamoDB Developer Guide, "Change data capture for DynamoDB Streams").
type lineage struct {
	started, finished []string
}

// ready lists the shards whose turn has come since the last call. A parent that the stream
// no longer lists has been trimmed: there is nothing left of it to wait for.
func (l *lineage) ready(shards []types.Shard) []string {
	var ready []string
	for _, shard := range shards {
		id, parent := aws.ToString(shard.ShardId), aws.ToString(shard.ParentShardId)
		listed := slices.ContainsFunc(shards, func(s types.Shard) bool { return aws.ToString(s.ShardId) == parent })
		if slices.Contains(l.started, id) || listed && !slices.Contains(l.finished, parent) {
			continue
		}
		ready = append(ready, id)
	}
	l.started = append(l.started, ready...)
	return ready
}

func (l *lineage) finish(id string) { l.finished = append(l.finished, id) }
