package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
)

var endpoint string // of the dynoxide that the tests share

func TestMain(m *testing.M) {
	if os.Getenv(killedEndpoint) != "" {
		runUntilKilled()
	}
	os.Exit(withDynoxide(m))
}

func withDynoxide(m *testing.M) int {
	server, err := dynoxide.Start(context.Background(), dynoxide.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	endpoint = server.URL()
	return m.Run()
}

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

func streamsAt(endpoint string) *dynamodbstreams.Client {
	return dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials})
}

// table is a table with a stream that the tests write to.
type table struct {
	t      *testing.T
	client *dynamodb.Client
	name   string
	stream string // ARN
	next   int    // number of the next item
}

var tables atomic.Int64 // how many there are

func newTable(t *testing.T) *table { return newTableAt(t, endpoint) }

func newTableAt(t *testing.T, endpoint string) *table {
	t.Helper()
	tb := &table{t: t, name: fmt.Sprintf("events-of-test-%d", tables.Add(1))}
	tb.client = dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials})
	_, err := tb.client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &tb.name, BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("stream"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("version"), KeyType: types.KeyTypeRange}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("stream"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("version"), AttributeType: types.ScalarAttributeTypeN}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := tb.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &tb.name})
	if err != nil {
		t.Fatal(err)
	}
	tb.stream = *out.Table.LatestStreamArn
	return tb
}

// put inserts n more items, numbered from 1 in the order of the stream.
func (tb *table) put(n int, types ...string) {
	tb.t.Helper()
	for range n {
		tb.next++
		tb.replace(tb.next, types...)
	}
}

// replace writes an item whether it is there or not.
func (tb *table) replace(number int, eventTypes ...string) {
	tb.t.Helper()
	item := map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: "user#1"}, "version": &types.AttributeValueMemberN{Value: fmt.Sprint(number)}}
	if len(eventTypes) > 0 {
		item["types"] = &types.AttributeValueMemberSS{Value: eventTypes}
	}
	if _, err := tb.client.PutItem(tb.t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: item}); err != nil {
		tb.t.Fatal(err)
	}
}

// function is a Lambda function that writes down the items it is invoked with.
type function struct {
	poison  string        // fails with an error on this item
	report  string        // reports this item as failed
	patient int           // fails that many times, 0 is always
	hold    chan struct{} // every invocation waits for it if it is not nil

	mu          sync.Mutex
	failures    int
	invocations []string // the items of each, joined by spaces
	payloads    [][]byte
}

func (f *function) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var items []string
	for _, r := range e.Records {
		items = append(items, r.Change.Keys["version"].Number())
	}
	f.mu.Lock()
	f.invocations = append(f.invocations, strings.Join(items, " "))
	f.payloads = append(f.payloads, payload)
	failing := f.patient == 0 || f.failures < f.patient
	poisoned, reported := slices.Contains(items, f.poison), slices.Index(items, f.report)
	if poisoned || reported >= 0 {
		f.failures++
	}
	f.mu.Unlock()
	if f.hold != nil {
		<-f.hold
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case failing && poisoned:
		return nil, errors.New("poison")
	case failing && reported >= 0:
		return json.Marshal(events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: e.Records[reported].Change.SequenceNumber}}})
	}
	return []byte(`{"batchItemFailures":[]}`), nil
}

// seen is what the function was invoked with so far: "1 2 3; 2; 3".
func (f *function) seen() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.invocations, "; ")
}

func (f *function) payload(i int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.payloads[i]
}

// bucket is an on-failure destination that fails a number of times first.
type bucket struct {
	refusals int

	mu        sync.Mutex
	keys      []string
	documents [][]byte
}

func (b *bucket) put(_ context.Context, key string, document []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refusals > 0 {
		b.refusals--
		return errors.New("disk full")
	}
	b.keys, b.documents = append(b.keys, key), append(b.documents, document)
	return nil
}

func (b *bucket) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.keys)
}

func source(t *testing.T, stream string, f *function, b *bucket) *Source {
	return &Source{
		Settings:    topology.EventSource{Function: "projector", BatchSize: 100, Retries: 1, MaxAge: 24 * time.Hour, Parallel: 1},
		StreamARN:   stream,
		Client:      streamsAt(endpoint),
		Invoke:      f.invoke,
		OnFailure:   b.put,
		Checkpoints: t.TempDir(),
		Now:         time.Now,
		Log:         slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// start runs a source and returns a function that stops it cleanly; the test's end does too.
func start(t *testing.T, s *Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the source ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// eventually polls until what is observed is as wanted.
func eventually[T comparable](t *testing.T, what string, want T, observe func() T) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for observe() != want {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v, want %v", what, observe(), want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
