package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/runtime"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// world is what functions find when they start: tables, keys, one account.
type world struct {
	server    *dynoxide.Server
	folder    string
	functions map[string]runtime.Function
	events    map[string]func(n int) ([]byte, error) // cheap ones, by function
}

const (
	region   = "us-east-1"
	operator = "ada@example.com"
)

func openWorld(ctx context.Context) (*world, error) {
	folder, err := os.MkdirTemp("", "annals-cold-")
	if err != nil {
		return nil, err
	}
	w := &world{folder: folder, functions: map[string]runtime.Function{hello: {Name: hello}}}
	if err := w.open(ctx); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) open(ctx context.Context) (err error) {
	if w.server, err = dynoxide.Start(ctx, dynoxide.Options{}); err != nil {
		return err
	}
	nowhere := "http://127.0.0.1:9" // no event leads there
	config := app.Config{
		Prefix: "annals", Region: region, Endpoint: w.server.URL(), KeyFile: filepath.Join(w.folder, "master.key"), SigningFiles: []string{filepath.Join(w.folder, "signing.pem")},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench"}, nil
		}),
		S3: nowhere, SES: nowhere, MailFrom: "annals@localhost", PublicURL: nowhere,
		Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}
	client := dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: config.Endpoint, Credentials: config.Credentials})
	if err := tables.Create(ctx, client, config.Prefix); err != nil {
		return err
	}
	if err := app.Bootstrap(ctx, config, operator, rand.Text()); err != nil {
		return err
	}
	for _, declared := range topology.Functions() {
		variables, err := runtime.Variables(ctx, declared, config)
		if err != nil {
			return err
		}
		w.functions[declared.Name] = runtime.Function{Name: declared.Name, Env: variables}
	}
	batch, err := streamBatch(ctx, client)
	w.events = eventsWith(batch)
	return err
}

func (w *world) close() {
	if w.server != nil {
		w.server.Stop()
	}
	os.RemoveAll(w.folder)
}

// unpack gives a folder with copies of the programs, written as Lambda unpacks a zip. The files of
// Go's linker, which maps them into memory to write them, are slower to start from (1.5 times).
func (w *world) unpack(programs string, rows []*row) (string, error) {
	for _, r := range rows {
		text, err := os.ReadFile(filepath.Join(programs, r.Function))
		if err == nil {
			err = os.WriteFile(filepath.Join(w.folder, r.Function), text, 0o755)
		}
		if err != nil {
			return "", err
		}
	}
	return w.folder, nil
}

// streamBatch is the event table's stream as it is after the account was opened, one batch.
func streamBatch(ctx context.Context, client *dynamodb.Client) ([]byte, error) {
	out, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("annals-events")})
	if err != nil {
		return nil, err
	}
	var records []map[string]any
	for i, item := range out.Items {
		image, err := attributevalue.MarshalMapJSON(item)
		if err != nil {
			return nil, err
		}
		records = append(records, map[string]any{
			"eventID": fmt.Sprint(i), "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": region,
			"eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/annals-events/stream/2026-01-01T00:00:00.000",
			"dynamodb": map[string]any{
				"ApproximateCreationDateTime": time.Now().Unix(), "SequenceNumber": fmt.Sprint(1000 + i), "SizeBytes": len(image),
				"StreamViewType": "NEW_IMAGE", "NewImage": json.RawMessage(image),
			},
		})
	}
	return json.Marshal(map[string]any{"Records": records})
}

// eventsWith gives each function an event that is real and cheap. Commands are about objects that
// are not there, so that each loads, decides and refuses, but for command-auth, which writes.
func eventsWith(batch []byte) map[string]func(int) ([]byte, error) {
	missing := es.DeriveID("bench", "missing")
	call := func(method, route, path, body string) func(int) ([]byte, error) {
		return func(int) ([]byte, error) {
			e := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: method + " " + route, RawPath: path, Body: body,
				Headers: map[string]string{"content-type": "application/json", "host": "bench"}, PathParameters: map[string]string{"id": missing, "view": "missing"}}
			e.RequestContext = events.APIGatewayV2HTTPRequestContext{RouteKey: e.RouteKey, Stage: "$default", RequestID: rand.Text(), TimeEpoch: time.Now().UnixMilli(),
				HTTP:       events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, Path: path, Protocol: "HTTP/1.1", SourceIP: "127.0.0.1"},
				Authorizer: &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"caller": missing, "roles": "operator", "session": missing}},
			}
			return json.Marshal(e)
		}
	}
	is := func(text string) func(int) ([]byte, error) {
		return func(int) ([]byte, error) { return []byte(text), nil }
	}
	return map[string]func(int) ([]byte, error){
		hello:                  is(`{}`),
		"query":                call("GET", "/health", "/health", ""),
		"command-auth":         call("POST", "/auth/password/forgot", "/auth/password/forgot", `{"email":"`+operator+`"}`),
		"command-user":         call("PATCH", "/users/{id}", "/users/"+missing, `{"name":"Ada"}`),
		"command-file":         call("PATCH", "/files/{id}", "/files/"+missing, `{"name":"a.txt"}`),
		"command-payment":      call("POST", "/payments/{id}/cancel", "/payments/"+missing+"/cancel", ""),
		"command-notification": call("POST", "/notifications/{id}/read", "/notifications/"+missing+"/read", ""),
		"command-operator":     call("POST", "/admin/views/{view}/switch", "/admin/views/missing/switch", ""),
		topology.Bootstrap:     is(`{"email":"` + operator + `"}`),
		topology.Authorizer:    is(`{"version":"2.0","type":"REQUEST","headers":{"authorization":"Bearer none"}}`),
		"projector":            func(int) ([]byte, error) { return bytes.Clone(batch), nil },
		"reactor":              func(int) ([]byte, error) { return bytes.Clone(batch), nil },
		"clock":                is(`{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`),
		"rebuild":              is(`{"Records":[]}`),
		"uploads":              is(`{"Records":[{"body":"{\"Event\":\"s3:TestEvent\"}"}]}`),
		"feedback":             is(`{"version":"0","detail-type":"Email Bounced","source":"aws.ses","detail":{"eventType":"Bounce","bounce":{"feedbackId":"f","bounceType":"Transient","bouncedRecipients":[]},"mail":{"messageId":"m","tags":{}}}}`),
	}
}

// wanted refuses an answer that shows that a function did not do what it was measured for.
func (w *world) wanted(function string, answer []byte) error {
	if strings.Contains(string(answer), `"statusCode":5`) {
		return fmt.Errorf("it answers %s", answer)
	}
	return nil
}
