package eventsource

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/localstack/dynoxide"
)

func TestRecordsArriveInOrderAndInBatches(t *testing.T) {
	tb, f := newTable(t), new(function)
	tb.put(25)
	s := source(t, tb.stream, f, new(bucket))
	s.Settings.BatchSize = 10
	start(t, s)
	eventually(t, "seen", "1 2 3 4 5 6 7 8 9 10; 11 12 13 14 15 16 17 18 19 20; 21 22 23 24 25", f.seen)
	tb.put(1)
	eventually(t, "last", true, func() bool { return strings.HasSuffix(f.seen(), "; 26") })
}

func TestAWindowGathersRecords(t *testing.T) {
	tb, f := newTable(t), new(function)
	s := source(t, tb.stream, f, new(bucket))
	s.Settings.Window, s.Settings.BatchSize, s.Settings.StreamTypes = time.Hour, 3, []string{"wanted"}
	tb.put(1, "other")
	tb.put(2, "wanted")
	start(t, s)
	eventually(t, "checkpoint", "1", func() string { return checkpointOf(t, s) }) // 2 and 3 are read too
	tb.put(2, "wanted")
	eventually(t, "seen", "2 3 4", f.seen)
}

func TestTheFunctionReceivesTheStreamsOwnRecords(t *testing.T) {
	tb, f := newTable(t), new(function)
	tb.put(1, "user.created.v1")
	start(t, source(t, tb.stream, f, new(bucket)))
	eventually(t, "seen", "1", f.seen)
	got := decoded(t, f.payload(0)).(map[string]any)["Records"].([]any)[0].(map[string]any)
	change := got["dynamodb"].(map[string]any)
	if created, ok := change["ApproximateCreationDateTime"].(float64); !ok || time.Since(time.Unix(int64(created), 0)).Abs() > time.Minute {
		t.Errorf("created at %v", change["ApproximateCreationDateTime"])
	}
	delete(change, "ApproximateCreationDateTime")
	delete(change, "SizeBytes")
	want := `{"eventID":"1","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"dynoxide","eventSourceARN":"` + tb.stream + `",
		"dynamodb":{"Keys":{"stream":{"S":"user#1"},"version":{"N":"1"}},"NewImage":{"stream":{"S":"user#1"},"version":{"N":"1"},"types":{"SS":["user.created.v1"]}},
		"SequenceNumber":"1","StreamViewType":"NEW_IMAGE"}}`
	if !reflect.DeepEqual(got, decoded(t, []byte(want))) {
		t.Errorf("the record is %v", got)
	}
}

func TestRecordsThatAreFilteredOutMoveTheCheckpointOnly(t *testing.T) {
	tb, f := newTable(t), new(function)
	s := source(t, tb.stream, f, new(bucket))
	s.Settings.EventNames, s.Settings.StreamTypes = []string{"INSERT"}, []string{"wanted"}
	start(t, s)
	tb.put(1, "wanted", "other")
	tb.put(1, "other")
	tb.replace(1, "wanted")
	eventually(t, "checkpoint", "3", func() string { return checkpointOf(t, s) })
	tb.put(1, "wanted")
	eventually(t, "seen", "1; 3", f.seen)
}

func TestAPoisonedRecordIsIsolatedAndGivenUpAndTheOthersGoOn(t *testing.T) {
	tb, f, b := newTable(t), &function{poison: "3"}, new(bucket)
	tb.put(4)
	s := source(t, tb.stream, f, b)
	start(t, s)
	eventually(t, "seen", "1 2 3 4; 1 2; 3 4; 3; 3; 4", f.seen)
	if !regexp.MustCompile(`^aws/lambda/[0-9a-f-]{36}/shardId-00000001-` + tb.name + `/\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}$`).MatchString(b.keys[0]) {
		t.Errorf("the key is %s", b.keys[0])
	}
	document := decoded(t, b.documents[0]).(map[string]any)
	take := func(path ...string) any {
		m := document
		for _, key := range path[:len(path)-1] {
			m = m[key].(map[string]any)
		}
		v := m[path[len(path)-1]]
		delete(m, path[len(path)-1])
		return v
	}
	if id := take("requestContext", "requestId").(string); len(id) != 36 {
		t.Errorf("the request id is %q", id)
	}
	for _, at := range [][]string{{"timestamp"}, {"DDBStreamBatchInfo", "approximateArrivalOfFirstRecord"}, {"DDBStreamBatchInfo", "approximateArrivalOfLastRecord"}} {
		if when, err := time.Parse(time.RFC3339, take(at...).(string)); err != nil || time.Since(when).Abs() > time.Minute {
			t.Errorf("%v is %v, %v", at, when, err)
		}
	}
	if payload := take("payload").(string); payload != string(f.payload(3)) {
		t.Errorf("the payload is %s", payload)
	}
	want := `{"version":"1.0",
		"requestContext":{"functionArn":"arn:aws:lambda:dynoxide:000000000000:function:projector","condition":"RetryAttemptsExhausted","approximateInvokeCount":2},
		"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},
		"DDBStreamBatchInfo":{"shardId":"shardId-00000001-` + tb.name + `","startSequenceNumber":"3","endSequenceNumber":"3","batchSize":1,"streamArn":"` + tb.stream + `"}}`
	if !reflect.DeepEqual(document, decoded(t, []byte(want))) {
		t.Errorf("the document is %s", b.documents[0])
	}
	eventually(t, "checkpoint", "4", func() string { return checkpointOf(t, s) })
}

func TestAReportedRecordIsTheCheckpointUntilItSucceeds(t *testing.T) {
	tb, f, b := newTable(t), &function{report: "3", patient: 2}, new(bucket)
	tb.put(5)
	start(t, source(t, tb.stream, f, b))
	eventually(t, "seen", "1 2 3 4 5; 3 4 5; 3; 4 5", f.seen)
	if b.count() > 0 {
		t.Errorf("given up: %s", b.documents)
	}
}

func TestAReportedRecordThatIsGivenUpHasNoFunctionError(t *testing.T) {
	tb, f, b := newTable(t), &function{report: "1"}, new(bucket)
	tb.put(1)
	start(t, source(t, tb.stream, f, b))
	eventually(t, "given up", 1, b.count)
	response := decoded(t, b.documents[0]).(map[string]any)["responseContext"]
	if want := map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": nil}; !reflect.DeepEqual(response, want) {
		t.Errorf("the response context is %v", response)
	}
}

func TestRecordsOlderThanTheLimitAreGivenUpWithoutAnInvocation(t *testing.T) {
	tb, f, b := newTable(t), new(function), new(bucket)
	tb.put(2)
	s := source(t, tb.stream, f, b)
	s.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	start(t, s)
	eventually(t, "checkpoint", "2", func() string { return checkpointOf(t, s) })
	var document map[string]json.RawMessage
	if err := json.Unmarshal(b.documents[0], &document); err != nil {
		t.Fatal(err)
	}
	if _, there := document["responseContext"]; there || !strings.Contains(string(document["requestContext"]), `"condition":"RecordAgeExceeded","approximateInvokeCount":1`) || !strings.Contains(string(document["DDBStreamBatchInfo"]), `"batchSize":2`) {
		t.Errorf("the document is %s", b.documents[0])
	}
	if f.seen() != "" {
		t.Errorf("the function was invoked with %s", f.seen())
	}
}

func TestTheShardWaitsForTheDestination(t *testing.T) {
	tb, f, b := newTable(t), &function{poison: "1"}, &bucket{refusals: 2}
	tb.put(2)
	start(t, source(t, tb.stream, f, b))
	eventually(t, "seen", "1 2; 1; 1; 2", f.seen)
	if b.count() != 1 {
		t.Errorf("%d documents were stored before the shard went on", b.count())
	}
}

func TestARestartGoesOnBehindTheLastFinishedBatch(t *testing.T) {
	tb, f := newTable(t), new(function)
	s := source(t, tb.stream, f, new(bucket))
	tb.put(3)
	stop := start(t, s)
	eventually(t, "seen", "1 2 3", f.seen)
	stop()
	tb.put(2)
	start(t, s)
	eventually(t, "seen", "1 2 3; 4 5", f.seen)
}

func TestAStopWaitsForTheInvocationAndKeepsWhatItFinished(t *testing.T) {
	tb, f := newTable(t), &function{hold: make(chan struct{})}
	s := source(t, tb.stream, f, new(bucket))
	s.Settings.BatchSize = 2
	tb.put(3)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	eventually(t, "seen", "1 2", f.seen)
	cancel()
	select {
	case <-ended:
		t.Fatal("the source ended during an invocation")
	case f.hold <- struct{}{}:
	}
	if err := <-ended; err != nil {
		t.Errorf("the source ended with %v", err)
	}
	if got := checkpointOf(t, s); got != "2" {
		t.Errorf("the checkpoint is %q", got)
	}
}

func TestAStopLeavesAFailedBatchToTheNextRun(t *testing.T) {
	tb, f, b := newTable(t), &function{poison: "2", patient: 2}, new(bucket)
	tb.put(2)
	s := source(t, tb.stream, f, b)
	s.Settings.Retries = 10_000
	inner, failed := s.Invoke, make(chan struct{}, 100)
	s.Invoke = func(ctx context.Context, payload []byte) ([]byte, error) {
		response, err := inner(ctx, payload)
		if err != nil {
			failed <- struct{}{}
		}
		return response, err
	}
	stop := start(t, s)
	<-failed // 1 2
	<-failed // 2, which now waits to be retried
	stop()
	if got := checkpointOf(t, s); got != "1" || f.seen() != "1 2; 1; 2" || b.count() > 0 {
		t.Fatalf("checkpoint %q, seen %q, %d given up", got, f.seen(), b.count())
	}
	start(t, s)
	eventually(t, "seen", "1 2; 1; 2; 2", f.seen)
}

func TestTheStreamGoesOnAfterARestartOfDynoxide(t *testing.T) {
	db := filepath.Join(t.TempDir(), "dynamodb.db")
	server := startDynoxide(t, db)
	tb, f := newTableAt(t, server.URL()), new(function)
	s := source(t, tb.stream, f, new(bucket))
	s.Client = streamsAt(server.URL())
	tb.put(3)
	stop := start(t, s)
	eventually(t, "seen", "1 2 3", f.seen)
	stop()
	tb.put(12) // unread when the server ends
	server.Stop()

	server = startDynoxide(t, db)
	s.Client = streamsAt(server.URL())
	start(t, s)
	eventually(t, "seen", "1 2 3; 4 5 6 7 8 9 10 11 12 13 14 15", f.seen)
}

func startDynoxide(t *testing.T, db string) *dynoxide.Server {
	t.Helper()
	server, err := dynoxide.Start(t.Context(), dynoxide.Options{DBPath: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func TestASourceThatCannotRunSaysWhy(t *testing.T) {
	tb := newTable(t)
	notADirectory := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notADirectory, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		breakIt    func(*Source)
	}{
		{"no such stream", "ResourceNotFoundException", func(s *Source) { s.StreamARN = strings.Replace(s.StreamARN, tb.name, "another-table", 1) }},
		{"no ARN", "arn", func(s *Source) { s.StreamARN = "events" }},
		{"parallel batches", "parallelization factor", func(s *Source) { s.Settings.Parallel = 2 }},
		{"no place for checkpoints", notADirectory, func(s *Source) { s.Checkpoints = notADirectory }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := source(t, tb.stream, new(function), new(bucket))
			c.breakIt(s)
			if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestPollingSlowsDownWhileNothingArrives(t *testing.T) {
	pause := fastestPoll
	for range 10 {
		pause = nextPause(pause, time.Millisecond)
	}
	if pause != slowestPoll {
		t.Errorf("an idle stream is polled every %s", pause)
	}
	if pause := nextPause(slowestPoll, 50*time.Millisecond); pause != 200*time.Millisecond {
		t.Errorf("a poll of 50ms is followed by %s", pause)
	}
}

func checkpointOf(t *testing.T, s *Source) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Checkpoints, "*.json"))
	if err != nil || len(files) == 0 {
		return ""
	}
	sequence, err := readCheckpoint(files[0], s.StreamARN)
	if err != nil {
		t.Error(err)
	}
	return sequence
}
