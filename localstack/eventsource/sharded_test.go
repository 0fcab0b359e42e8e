package eventsource

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// shardedStream answers DynamoDB Streams requests about a stream with several shards, which
// dynoxide does not have, and gives the errors that dynoxide does not give.
type shardedStream struct {
	mu         sync.Mutex
	shards     []*fakeShard
	generation int // of the iterators that have not expired
}

type fakeShard struct {
	id, parent string
	closed     bool
	oldest     int // the items below have been trimmed
	items      []int
}

type fault string // the type of an error response

func serve(t *testing.T, shards ...*fakeShard) (*shardedStream, string) {
	s := &shardedStream{shards: shards}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func (s *shardedStream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fault:
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + p})
		default:
			panic(p)
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		panic(fault("SerializationException"))
	}
	text := func(name string) string { v, _ := in[name].(string); return v }
	var out map[string]any
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "DescribeStream":
		out = s.describe(text("ExclusiveStartShardId"))
	case "GetShardIterator":
		out = s.seek(text("ShardId"), text("ShardIteratorType"), text("SequenceNumber"))
	case "GetRecords":
		out = s.read(text("ShardIterator"))
	}
	json.NewEncoder(w).Encode(out)
}

// describe gives one shard a page.
func (s *shardedStream) describe(after string) map[string]any {
	i := 1 + slices.IndexFunc(s.shards, func(f *fakeShard) bool { return f.id == after })
	shard := map[string]any{"ShardId": s.shards[i].id}
	if s.shards[i].parent != "" {
		shard["ParentShardId"] = s.shards[i].parent
	}
	description := map[string]any{"Shards": []any{shard}}
	if i < len(s.shards)-1 {
		description["LastEvaluatedShardId"] = s.shards[i].id
	}
	return map[string]any{"StreamDescription": description}
}

func (s *shardedStream) shard(id string) *fakeShard {
	i := slices.IndexFunc(s.shards, func(f *fakeShard) bool { return f.id == id })
	if i < 0 {
		panic(fault("ResourceNotFoundException"))
	}
	return s.shards[i]
}

func (s *shardedStream) seek(id, kind, sequence string) map[string]any {
	from := s.shard(id).oldest
	if kind == "AFTER_SEQUENCE_NUMBER" {
		after, _ := strconv.Atoi(sequence)
		if from = after + 1; from < s.shard(id).oldest {
			panic(fault("TrimmedDataAccessException"))
		}
	}
	return map[string]any{"ShardIterator": fmt.Sprint(id, " ", from, " ", s.generation)}
}

func (s *shardedStream) read(iterator string) map[string]any {
	var id string
	var from, generation int
	fmt.Sscan(iterator, &id, &from, &generation)
	if generation != s.generation {
		panic(fault("ExpiredIteratorException"))
	}
	f := s.shard(id)
	records := []any{}
	for _, item := range f.items {
		if item >= max(from, f.oldest) {
			records = append(records, map[string]any{"eventName": "INSERT", "dynamodb": map[string]any{
				"SequenceNumber": fmt.Sprintf("%021d", item), "ApproximateCreationDateTime": time.Now().Unix(),
				"Keys": map[string]any{"version": map[string]any{"N": fmt.Sprint(item)}},
			}})
			from = item + 1
		}
	}
	out := map[string]any{"Records": records}
	if !f.closed {
		out["NextShardIterator"] = fmt.Sprint(id, " ", from, " ", s.generation)
	}
	return out
}

func (s *shardedStream) change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func TestAChildShardIsReadWhenItsParentIsFinished(t *testing.T) {
	_, url := serve(t,
		&fakeShard{id: "child1", parent: "parent", items: []int{3, 4}},
		&fakeShard{id: "parent", parent: "trimmed", closed: true, items: []int{1, 2}},
		&fakeShard{id: "child2", parent: "parent", items: []int{5}},
	)
	f := &function{poison: "2", patient: 4}
	s := source(t, arnOfStream, f, new(bucket))
	s.Client, s.Settings.Retries = streamsAt(url), 10
	start(t, s)
	eventually(t, "seen", true, func() bool {
		return f.seen() == "1 2; 1; 2; 2; 2; 2; 3 4; 5" || f.seen() == "1 2; 1; 2; 2; 2; 2; 5; 3 4"
	})
}

func TestAFinishedParentIsNotReadAgainAfterARestart(t *testing.T) {
	child := &fakeShard{id: "child", parent: "parent", items: []int{2}}
	stream, url := serve(t, &fakeShard{id: "parent", closed: true, items: []int{1}}, child)
	f := new(function)
	s := source(t, arnOfStream, f, new(bucket))
	s.Client = streamsAt(url)
	stop := start(t, s)
	eventually(t, "seen", "1; 2", f.seen)
	stop()
	stream.change(func() { child.items = append(child.items, 3) })
	start(t, s)
	eventually(t, "seen", "1; 2; 3", f.seen)
}

func TestShardsAreProcessedConcurrently(t *testing.T) {
	_, url := serve(t, &fakeShard{id: "one", items: []int{1}}, &fakeShard{id: "two", items: []int{2}})
	f := &function{hold: make(chan struct{})}
	s := source(t, arnOfStream, f, new(bucket))
	s.Client = streamsAt(url)
	start(t, s)
	eventually(t, "invocations in flight", 2, func() int { return len(strings.Split(f.seen(), ";")) })
	close(f.hold)
}

func TestAnExpiredIteratorIsReplacedAtItsPosition(t *testing.T) {
	shard := &fakeShard{id: "only", items: []int{1, 2}}
	stream, url := serve(t, shard)
	f := new(function)
	s := source(t, arnOfStream, f, new(bucket))
	s.Client = streamsAt(url)
	start(t, s)
	eventually(t, "seen", "1 2", f.seen)
	stream.change(func() { stream.generation++; shard.items = append(shard.items, 3) })
	eventually(t, "seen", "1 2; 3", f.seen)
}

func TestATrimmedPositionGoesOnAtTheOldestRecord(t *testing.T) {
	shard := &fakeShard{id: "only", items: []int{1, 2}}
	stream, url := serve(t, shard)
	f := new(function)
	s := source(t, arnOfStream, f, new(bucket))
	s.Client = streamsAt(url)
	stop := start(t, s)
	eventually(t, "seen", "1 2", f.seen)
	stop()
	stream.change(func() { shard.oldest, shard.items = 5, []int{5, 6} })
	start(t, s)
	eventually(t, "seen", "1 2; 5 6", f.seen)
}
