package eventsource

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// family makes shards of "id" and "id<parent".
func family(shards ...string) []types.Shard {
	var all []types.Shard
	for _, s := range shards {
		id, parent, _ := strings.Cut(s, "<")
		shard := types.Shard{ShardId: &id}
		if parent != "" {
			shard.ParentShardId = aws.String(parent)
		}
		all = append(all, shard)
	}
	return all
}

func TestAChildShardWaitsForItsParent(t *testing.T) {
	shards := family("child1<parent", "child2<parent", "parent", "other", "grandchild<child1")
	var l lineage
	for _, step := range []struct{ finish, want string }{
		{"", "parent other"},
		{"other", ""},
		{"parent", "child1 child2"},
		{"child2", ""},
		{"child1", "grandchild"},
		{"grandchild", ""},
	} {
		if step.finish != "" {
			l.finish(step.finish)
		}
		if got := strings.Join(l.ready(shards), " "); got != step.want {
			t.Errorf("after %q: %q are ready, want %q", step.finish, got, step.want)
		}
	}
}

func TestAChildOfATrimmedShardDoesNotWait(t *testing.T) {
	var l lineage
	if got := strings.Join(l.ready(family("child<trimmed")), " "); got != "child" {
		t.Errorf("%q are ready", got)
	}
}
