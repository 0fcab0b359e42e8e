package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

const eventsTable = "annals-events"

func store(options ...func(*dynamodb.Options)) *dynamo.Store {
	return &dynamo.Store{Client: client(options...), Table: eventsTable}
}

func TestStoreKeepsTheContract(t *testing.T) {
	estest.StoreContract(t, func(*testing.T) es.Store { return store() })
}

func TestStoreKeepsTheContractOfSearches(t *testing.T) { estest.SearchContract(t, store()) }

func commit(t *testing.T, stream es.Stream) es.Pending {
	t.Helper()
	return named(t, stream, "b")
}

func named(t *testing.T, stream es.Stream, name string) es.Pending {
	t.Helper()
	p, err := es.StartOf(stream).Next(es.Meta{CommandID: "c"}, estest.Now, events.UserNameChanged{Old: "a", New: name})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func all(t *testing.T, s es.Store, stream es.Stream) (commits []es.Commit) {
	t.Helper()
	for c, err := range s.Read(t.Context(), stream, es.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	return commits
}

// transport counts requests and can lose the reply to the first of them, as a connection
// that breaks after the server has done its work does.
type transport struct {
	requests  atomic.Int32
	loseReply bool
}

func (t *transport) Do(r *http.Request) (*http.Response, error) {
	n := t.requests.Add(1)
	reply, err := http.DefaultClient.Do(r)
	if err == nil && t.loseReply && n == 1 {
		io.Copy(io.Discard, reply.Body)
		reply.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	return reply, err
}

func (t *transport) use(o *dynamodb.Options) { o.HTTPClient = t }

func TestACommitWhoseReplyWasLostIsStoredOnce(t *testing.T) {
	for name, streams := range map[string][]es.Stream{
		"one stream":      {"user#lost-reply"},
		"several streams": {"user#lost-replies", "email#lost-replies"},
	} {
		t.Run(name, func(t *testing.T) {
			wire := &transport{loseReply: true}
			s := store(wire.use)
			var pending []es.Pending
			for _, stream := range streams {
				pending = append(pending, commit(t, stream))
			}
			if err := s.Append(t.Context(), pending...); err != nil {
				t.Fatalf("got %v, want success: the commit is there", err)
			}
			if n := wire.requests.Load(); n != 2 {
				t.Errorf("took %d requests, want the lost one and its repeat", n)
			}
			for _, stream := range streams {
				if got := all(t, s, stream); len(got) != 1 {
					t.Errorf("%s has %d commits, want 1", stream, len(got))
				}
			}
		})
	}
}

// cancels is a database that cancels every transaction for these reasons.
type cancels []string

func (c cancels) Do(*http.Request) (*http.Response, error) {
	var reasons []string
	for _, code := range c {
		reasons = append(reasons, fmt.Sprintf(`{"Code":%q}`, code))
	}
	return &http.Response{StatusCode: 400, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(
		`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[` + strings.Join(reasons, ",") + `]}`))}, nil
}

func TestATransactionThatWasCanceledTellsWhatHasHappened(t *testing.T) {
	for _, c := range []struct {
		reasons           cancels
		conflict, unknown bool
	}{
		{cancels{"None", "ConditionalCheckFailed"}, true, false},
		{cancels{"TransactionConflict", "ConditionalCheckFailed"}, true, false},
		{cancels{"ConditionalCheckFailed", "TransactionConflict"}, true, false},
		{cancels{"TransactionConflict", "None"}, false, true},
		{cancels{"ThrottlingError", "None"}, false, true},
		{cancels{"None", "ValidationError"}, false, false},
	} {
		s := store(func(o *dynamodb.Options) { o.HTTPClient, o.Retryer = c.reasons, aws.NopRetryer{} })
		err := s.Append(t.Context(), commit(t, "user#canceled"), commit(t, "email#canceled"))
		if err == nil || errors.Is(err, es.ErrConflict) != c.conflict || errors.Is(err, es.ErrUnavailable) != c.unknown {
			t.Errorf("%v: %v", c.reasons, err)
		}
	}
}

func TestAnItemThatIsNoCommitIsAnErrorThatNamesItsPlace(t *testing.T) {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	for name, damage := range map[string]func(map[string]types.AttributeValue){
		"no events":               func(i map[string]types.AttributeValue) { delete(i, "events") },
		"events of another shape": func(i map[string]types.AttributeValue) { i["events"] = text("x") },
		"another count":           func(i map[string]types.AttributeValue) { i["count"] = number("2") },
		"another set of types": func(i map[string]types.AttributeValue) {
			i["types"] = &types.AttributeValueMemberSS{Value: []string{"x"}}
		},
		"a time that is none":      func(i map[string]types.AttributeValue) { i["at"] = text("yesterday") },
		"a hash that is too short": func(i map[string]types.AttributeValue) { i["hash"] = &types.AttributeValueMemberB{Value: []byte{1}} },
		"an actor that is no text": func(i map[string]types.AttributeValue) { i["actor"] = number("1") },
	} {
		t.Run(name, func(t *testing.T) {
			stream := es.NewStream("user", "damaged-"+strings.ReplaceAll(name, " ", "-"))
			s := store()
			if err := s.Append(t.Context(), commit(t, stream)); err != nil {
				t.Fatal(err)
			}
			key := map[string]types.AttributeValue{"stream": text(string(stream)), "version": number("1")}
			stored, err := s.Client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(eventsTable), Key: key})
			if err != nil {
				t.Fatal(err)
			}
			damage(stored.Item)
			if _, err := s.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(eventsTable), Item: stored.Item}); err != nil {
				t.Fatal(err)
			}
			var damaged *es.DamagedError
			for _, err := range s.Read(t.Context(), stream, es.Range{}) {
				if !errors.As(err, &damaged) || damaged.Stream != stream || damaged.Version != 1 {
					t.Fatalf("got %v, want an error that names %s version 1", err, stream)
				}
			}
			if damaged == nil {
				t.Fatal("nothing was read at all")
			}
		})
	}
}

func TestAStoreThatCannotBeReachedLeavesTheOutcomeUnknown(t *testing.T) {
	s := store(func(o *dynamodb.Options) {
		o.HTTPClient = unreachable{}
		o.RetryMaxAttempts = 1
		o.Retryer = aws.NopRetryer{}
	})
	if err := s.Append(t.Context(), commit(t, "user#unreachable")); !errors.Is(err, es.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, es.ErrUnavailable)
	}
}

type unreachable struct{}

func (unreachable) Do(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}

func TestWhatIsStoredHasTheAttributesOfTheDesign(t *testing.T) {
	s := store()
	meta := es.Meta{CommandID: "c", CorrelationID: "r", CausationID: "k", Actor: "a", Trace: "t", Fingerprint: []byte("f")}
	p, err := es.StartOf("user#shape").Next(meta, estest.Now, events.UserNameChanged{Old: "a", New: "b"}, events.UserRoleGranted{Role: "auditor"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	out, err := s.Client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: aws.String(eventsTable), Key: map[string]types.AttributeValue{
		"stream":  &types.AttributeValueMemberS{Value: "user#shape"},
		"version": &types.AttributeValueMemberN{Value: "1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	hash := p.Commit().Hash
	events := out.Item["events"].(*types.AttributeValueMemberL).Value
	first := events[0].(*types.AttributeValueMemberM).Value
	if len(events) != 2 || first["type"].(*types.AttributeValueMemberS).Value != "user.name-changed.v1" || first["data"].(*types.AttributeValueMemberS).Value != `{"old":"a","new":"b"}` {
		t.Errorf("events are stored as %v", events)
	}
	if got := out.Item["hash"].(*types.AttributeValueMemberB).Value; !bytes.Equal(got, hash[:]) {
		t.Errorf("hash is stored as %x, want %x", got, hash)
	}
	for name, want := range map[string]string{"commandId": "c", "correlationId": "r", "causationId": "k", "actor": "a", "trace": "t", "at": "2026-01-02T03:04:05.000Z"} {
		if got := out.Item[name].(*types.AttributeValueMemberS).Value; got != want {
			t.Errorf("%s is stored as %q, want %q", name, got, want)
		}
	}
	if got := out.Item["count"].(*types.AttributeValueMemberN).Value; got != "2" {
		t.Errorf("count is stored as %s, want 2", got)
	}
}
