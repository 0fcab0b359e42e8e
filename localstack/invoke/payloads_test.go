package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	stored "github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/front"
	"github.com/interview-sandbox/annals/localstack/tables"
)

var update = flag.Bool("update", false, "write the payloads anew")

// Ids follow from Idempotency-Keys, so that a payload can name what another one makes.
var (
	ada     = es.DeriveID("object", "user", es.DeriveID("idempotency", "anonymous", "create-user"))
	payment = es.DeriveID("object", "payment", es.DeriveID("idempotency", ada, "request-payment"))
	file    = es.DeriveID("object", "file", es.DeriveID("idempotency", ada, "announce-file"))
	office  = es.DeriveID("operator", "payloads")
)

// at is when everything in the payloads happened.
var at = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

const account, region = "000000000000", "us-east-1"

// request is an HTTP request, which the front makes an event of as API Gateway does.
type request struct {
	call   string // method and path
	body   any
	key    string // Idempotency-Key
	caller api.Caller
	auth   string // Authorization
}

var adaSignedIn, officeSignedIn = api.Caller{ID: ada}, api.Caller{ID: office, Roles: []string{api.RoleOperator}}

// requests has a payload of each kind of route for each function behind the API.
var requests = map[string]request{
	"command-auth/create-user": {call: "POST /auth/users", key: "create-user", body: map[string]string{
		"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}},
	"command-auth/login":                   {call: "POST /auth/login", body: map[string]string{"email": "ada@example.com", "password": "correct horse battery"}},
	"command-user/update-profile":          {call: "PATCH /users/" + ada, caller: adaSignedIn, body: map[string]string{"name": "Ada King", "locale": "en-GB"}},
	"command-file/announce-file":           {call: "POST /files", caller: adaSignedIn, key: "announce-file", body: map[string]any{"name": "hello.txt", "size": 5, "contentType": "text/plain", "sha256": strings.Repeat("2c", 32)}},
	"command-payment/request-payment":      {call: "POST /payments", caller: adaSignedIn, key: "request-payment", body: map[string]any{"amount": 1250, "currency": "EUR", "method": "approve"}},
	"command-payment/webhook-unsigned":     {call: "POST /payments/webhooks/sandbox", body: map[string]string{"id": "1"}},
	"command-notification/set-preferences": {call: "PUT /notifications/preferences", caller: adaSignedIn, body: map[string]any{"email": map[string]bool{"payments": false}}},
	"command-operator/redrive":             {call: "POST /admin/parked/redrive", caller: officeSignedIn, body: map[string]string{}},
	"query/health":                         {call: "GET /health"},
	"query/openapi":                        {call: "GET /openapi.json"},
	"query/no-such-route":                  {call: "GET /no/such/route"},
	"query/get-user":                       {call: "GET /users/" + ada + "?atLeast=1", caller: adaSignedIn},
	"query/list-payments":                  {call: "GET /payments?limit=10", caller: adaSignedIn},
	"query/list-streams":                   {call: "GET /admin/streams?prefix=user", caller: officeSignedIn},
	"query/stranger":                       {call: "GET /users/" + ada, caller: api.Caller{ID: es.DeriveID("stranger")}},
	"query/no-token":                       {call: "GET /users/me"},
	"authorizer/no-token":                  {call: "GET /users/me"},
	"authorizer/bad-token":                 {call: "GET /users/me", auth: "Bearer no.such.token"},
}

// TestPayloadsAreWhatTheSystemSends makes each payload with the code that makes it in the local
// stack, or from the types of AWS that the functions read it into.
func TestPayloadsAreWhatTheSystemSends(t *testing.T) {
	want := map[string]json.RawMessage{}
	for name, r := range requests {
		function, _, _ := strings.Cut(name, "/")
		want[name] = r.event(t, function)
	}
	maps.Copy(want, streamed(t))
	maps.Copy(want, others(t))
	folder := filepath.Join("..", "..", folder)
	for name, payload := range want {
		path := filepath.Join(folder, name+".json")
		text := indented(t, payload)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s is not what the system sends (error %v); `make generate` writes it anew", path, err)
		}
	}
	for _, name := range payloads(t, folder) {
		if _, ok := want[name]; !ok {
			t.Errorf("%s.json is a payload that nothing makes", name)
		}
	}
	for _, f := range topology.Functions() {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(name string) bool { return strings.HasPrefix(name, f.Name+"/") }) {
			t.Errorf("there is no payload for %s", f.Name)
		}
	}
}

// event is what the front gives a function for the request.
func (r request) event(t *testing.T, function string) (payload json.RawMessage) {
	t.Helper()
	handlers := map[string]lambda.Handler{}
	for _, f := range topology.Functions() {
		handlers[f.Name] = invoked(func(in []byte) []byte {
			if f.Name == function {
				payload = in
			}
			return []byte(`{"statusCode":200}`)
		})
	}
	if function != topology.Authorizer {
		handlers[topology.Authorizer] = lambda.NewHandler((&gateway.Authorizer{Verifier: known(r.caller)}).Handle)
		if r.caller.ID != "" {
			r.auth = "Bearer of-" + r.caller.ID
		}
	}
	method, target, _ := strings.Cut(r.call, " ")
	body := []byte{}
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			t.Fatal(err)
		}
	}
	in := httptest.NewRequest(method, target, bytes.NewReader(body))
	in.Header.Set("User-Agent", "payloads")
	in.Header.Set("X-Amzn-Trace-Id", "Root=1-6957363a-0123456789abcdef01234567")
	if r.body != nil {
		in.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		in.Header.Set("Idempotency-Key", r.key)
	}
	if r.auth != "" {
		in.Header.Set("Authorization", r.auth)
	}
	front.New(topology.Routes(), handlers, slog.New(slog.DiscardHandler)).ServeHTTP(httptest.NewRecorder(), in)
	if payload == nil {
		t.Fatalf("%s does not come to %s", r.call, function)
	}
	return settled(t, payload, function == topology.Authorizer)
}

// settled replaces what is another one in every request.
func settled(t *testing.T, payload []byte, authorizer bool) json.RawMessage {
	t.Helper()
	settle := func(c *events.APIGatewayV2HTTPRequestContext, h map[string]string) {
		c.RequestID, c.TimeEpoch, c.Time = "payloads=", at.UnixMilli(), at.Format("02/Jan/2006:15:04:05 -0700")
		h["x-amzn-trace-id"] = "Root=1-6957363a-0123456789abcdef01234567"
	}
	if authorizer {
		var e events.APIGatewayV2CustomAuthorizerV2Request
		read(t, payload, &e)
		settle(&e.RequestContext, e.Headers)
		return written(t, e)
	}
	var e events.APIGatewayV2HTTPRequest
	read(t, payload, &e)
	settle(&e.RequestContext, e.Headers)
	return written(t, e)
}

// known is a verifier that takes any token for this caller's.
type known api.Caller

func (k known) Verify(context.Context, string) (api.Caller, error) { return api.Caller(k), nil }

// invoked is a function of payloads as a Lambda handler.
type invoked func([]byte) []byte

func (i invoked) Invoke(_ context.Context, in []byte) ([]byte, error) { return i(in), nil }

// streamed has a batch of the event table's stream for each function that takes one, with commits
// as the store has written them.
func streamed(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	server, err := dynoxide.Start(t.Context(), dynoxide.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	client := dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: server.URL(), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})})
	if err := tables.Create(t.Context(), client, "annals"); err != nil {
		t.Fatal(err)
	}
	record := func(stream es.Stream, actor string, e stored.Event) json.RawMessage {
		command := es.DeriveID("payloads", string(stream))
		pending, err := es.StartOf(stream).Next(es.Meta{CommandID: command, CorrelationID: command, Actor: actor}, at, e)
		if err == nil {
			err = (&dynamo.Store{Client: client, Table: "annals-events"}).Append(t.Context(), pending)
		}
		if err != nil {
			t.Fatal(err)
		}
		key := map[string]types.AttributeValue{"stream": &types.AttributeValueMemberS{Value: string(stream)}, "version": &types.AttributeValueMemberN{Value: "1"}}
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("annals-events"), Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return written(t, map[string]any{"Records": []any{map[string]any{
			"eventID": strings.Repeat("c4", 16), "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": region,
			"eventSourceARN": "arn:aws:dynamodb:" + region + ":" + account + ":table/annals-events/stream/" + at.Format("2006-01-02T15:04:05.000"),
			"dynamodb": map[string]any{
				"ApproximateCreationDateTime": at.Unix(), "SequenceNumber": "111000000000000000001", "SizeBytes": 512, "StreamViewType": "NEW_IMAGE",
				"Keys": dynamoJSON(t, key), "NewImage": dynamoJSON(t, out.Item),
			},
		}}})
	}
	return map[string]json.RawMessage{
		"projector/role-granted":    record(es.NewStream("user", es.DeriveID("payloads", "user")), office, stored.UserRoleGranted{Role: api.RoleAuditor}),
		"reactor/payment-requested": record(es.NewStream("payment", payment), ada, stored.PaymentRequested{PayerID: ada, Provider: "sandbox", Method: "approve", Amount: 1250, Currency: "EUR", Capture: "automatic"}),
	}
}

func dynamoJSON(t *testing.T, item map[string]types.AttributeValue) json.RawMessage {
	t.Helper()
	text, err := attributevalue.MarshalMapJSON(item)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// others are the payloads of what neither the API nor the stream brings.
func others(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	rule := func(name, source, kind string, detail any) json.RawMessage {
		return written(t, events.EventBridgeEvent{
			Version: "0", ID: es.DeriveID("payloads", name), DetailType: kind, Source: source, AccountID: account, Time: at, Region: region,
			Resources: []string{"arn:aws:events:" + region + ":" + account + ":rule/annals-" + name}, Detail: written(t, detail),
		})
	}
	message := func(queue string, body any) json.RawMessage {
		return written(t, events.SQSEvent{Records: []events.SQSMessage{{
			MessageId: es.DeriveID("payloads", queue), ReceiptHandle: "payloads", Body: string(written(t, body)),
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SenderId": account,
				"SentTimestamp": strconv.FormatInt(at.UnixMilli(), 10), "ApproximateFirstReceiveTimestamp": strconv.FormatInt(at.UnixMilli(), 10),
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:" + region + ":" + account + ":annals-" + queue, AWSRegion: region,
		}}})
	}
	bounce := feedback.Detail{EventType: "Bounce", Bounce: &feedback.Bounce{FeedbackID: "payloads", Type: "Permanent", Recipients: []feedback.Recipient{{Address: "nobody@example.com"}}}}
	bounce.Mail.MessageID, bounce.Mail.Tags = "payloads", map[string][]string{"ses:configuration-set": {"annals"}}
	return map[string]json.RawMessage{
		"bootstrap/open-office": written(t, map[string]string{"email": "office@example.com"}),
		"clock/every-minute":    rule("clock", "aws.events", "Scheduled Event", struct{}{}),
		"feedback/bounce":       rule("feedback", "aws.ses", "Email Bounced", bounce),
		"rebuild/watch":         message("rebuild", projection.Task{Do: projection.Watch}),
		"uploads/object-stored": message("uploads", events.S3Event{Records: []events.S3EventRecord{objectStored()}}),
		"uploads/test-event":    message("uploads", map[string]string{"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": at.Format(time.RFC3339), "Bucket": "annals-files"}),
	}
}

// objectStored tells of the object that a file was announced for, in a version that is gone.
func objectStored() events.S3EventRecord {
	return events.S3EventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: region, EventTime: at, EventName: "ObjectCreated:Post",
		S3: events.S3Entity{
			SchemaVersion: "1.0",
			Bucket:        events.S3Bucket{Name: "annals-files", Arn: "arn:aws:s3:::annals-files"},
			Object:        events.S3Object{Key: "files/" + ada + "/" + file, Size: 5, ETag: strings.Repeat("5d", 16), VersionID: "payloads"},
		},
	}
}

func read(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func written(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// indented is a payload for people, its names in order.
func indented(t *testing.T, payload []byte) []byte {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// payloads lists the payloads in a folder: <function>/<name>.
func payloads(t *testing.T, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(folder, path)
			all = append(all, strings.TrimSuffix(filepath.ToSlash(name), ".json"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
