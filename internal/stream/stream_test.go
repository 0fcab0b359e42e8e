package stream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stream"
)

// record is a record as Lambda hands it over, of a commit with one event.
func record(number int, streamName string) string {
	return fmt.Sprintf(`{"eventID":"%[1]d","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",
		"eventSourceARN":"arn:aws:dynamodb:us-east-1:000000000000:table/annals-events/stream/2026-01-02T03:04:05.000",
		"dynamodb":{"ApproximateCreationDateTime":1767323045,"SequenceNumber":"%[1]d","SizeBytes":300,"StreamViewType":"NEW_IMAGE",
			"Keys":{"stream":{"S":%[2]q},"version":{"N":"1"}},
			"NewImage":{"stream":{"S":%[2]q},"version":{"N":"1"},"count":{"N":"1"},"types":{"SS":["user.role-granted.v1"]},
				"events":{"L":[{"M":{"type":{"S":"user.role-granted.v1"},"data":{"S":"{\"role\":\"auditor\"}"}}}]},
				"commandId":{"S":"c"},"actor":{"S":"a"},"at":{"S":"2026-01-02T03:04:05.678Z"},
				"hash":{"B":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}}}`, number, streamName)
}

const damaged = `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"666","NewImage":{"stream":{"S":"user#damaged"},"version":{"N":"1"}}}}`

// invoke hands a batch to a consumer as Lambda does and gives the sequence numbers that it
// reports, the commits that it consumed, and its log.
func invoke(t *testing.T, consume func([]es.Commit) map[int]error, records ...string) (reported []string, log string) {
	t.Helper()
	var logged bytes.Buffer
	c := &stream.Consumer{
		Consume: func(_ context.Context, commits []es.Commit) map[int]error { return consume(commits) },
		Damaged: func(_ context.Context, d *es.DamagedError) error {
			if d.Version == 2 {
				return errors.New("cannot be parked")
			}
			return nil
		},
	}
	ctx, record := stats.Begin(t.Context())
	out, err := lambda.NewHandler(c.Handle).Invoke(ctx, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	record.Log(ctx, slog.New(slog.NewJSONHandler(&logged, nil)), stats.Run{}, false)
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(out, &response); err != nil || response.BatchItemFailures == nil {
		t.Fatalf("got %s, error %v", out, err)
	}
	for _, f := range response.BatchItemFailures {
		reported = append(reported, f.ItemIdentifier)
	}
	return reported, logged.String()
}

func TestCommitsComeOutAsTheyWereStored(t *testing.T) {
	var got []es.Commit
	reported, log := invoke(t, func(c []es.Commit) map[int]error { got = c; return nil }, record(1, "user#1"), record(2, "user#2"))
	if len(reported) > 0 || strings.Contains(log, "failures") {
		t.Errorf("reported %v, logged %s", reported, log)
	}
	if len(got) != 2 || got[1].Stream != "user#2" || got[1].Version != 1 || got[1].Actor != "a" || got[1].CommandID != "c" ||
		got[1].At.Format("15:04:05.000") != "03:04:05.678" || got[1].Hash[31] != 31 || string(got[1].Events[0].JSON) != `{"role":"auditor"}` {
		t.Errorf("got %+v", got)
	}
}

func TestWhatFailedIsReportedBySequenceNumberInOrder(t *testing.T) {
	failing := errors.New("the table does not answer")
	reported, log := invoke(t, func(c []es.Commit) map[int]error { return map[int]error{2: failing, 1: failing} },
		record(11, "user#1"), record(12, "user#2"), record(13, "user#3"))
	if !slices.Equal(reported, []string{"12", "13"}) {
		t.Errorf("reported %v", reported)
	}
	if strings.Count(log, failing.Error()) != 2 {
		t.Errorf("logged %s", log)
	}
}

func TestARecordThatIsNoCommitIsNotedAndTheOthersAreConsumed(t *testing.T) {
	var got []es.Commit
	failing := errors.New("the table does not answer")
	consume := func(c []es.Commit) map[int]error { got = c; return map[int]error{1: failing} }
	if reported, _ := invoke(t, consume, record(1, "user#1"), damaged, record(3, "user#3")); !slices.Equal(reported, []string{"3"}) || len(got) != 2 {
		t.Errorf("reported %v of %d commits", reported, len(got))
	}
	unnoted := strings.Replace(damaged, `{"N":"1"}`, `{"N":"2"}`, 1)
	reported, log := invoke(t, consume, record(1, "user#1"), unnoted, record(3, "user#3"))
	if !slices.Equal(reported, []string{"666", "3"}) || !strings.Contains(log, "cannot be parked") {
		t.Errorf("reported %v, logged %s", reported, log)
	}
}
