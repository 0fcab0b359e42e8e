//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/interview-sandbox/annals/internal/app"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/ses"
	"github.com/interview-sandbox/annals/internal/ses/feedback"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/eventsource"
	"github.com/interview-sandbox/annals/localstack/mail"
	"github.com/interview-sandbox/annals/localstack/scenario"
)

// prefix is the stack's name without a setting.
const prefix = "annals"

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, nil
})

// system is the deployed system, with what stands beside it because MiniStack lacks it.
type system struct {
	url      string // of the API, without a slash at its end
	operator struct{ email, password string }
	config   app.Config // of tools that read the deployed tables

	endpoint string
	lambda   *lambda.Client
	dynamodb *dynamodb.Client
	log      *slog.Logger
	closers  []func() error
}

// connect makes the deployed system ready for the tests.
func connect(ctx context.Context, endpoint, apiURL, dir string) (*system, error) {
	log, err := os.Create(filepath.Join(dir, "e2e.log"))
	if err != nil {
		return nil, err
	}
	s := &system{
		endpoint: endpoint,
		lambda:   lambda.New(lambda.Options{Region: region, BaseEndpoint: &endpoint, Credentials: credentials}),
		dynamodb: dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: endpoint, Credentials: credentials}),
		log:      slog.New(slog.NewJSONHandler(log, nil)),
		closers:  []func() error{log.Close},
	}
	key, err := s.setting(ctx, "command-auth", "ANNALS_KMS_KEY")
	if err != nil {
		return nil, err
	}
	s.config = app.Config{
		Prefix: prefix, Region: region, Endpoint: endpoint, Credentials: credentials, KMSKey: key,
		Now: time.Now, Rand: rand.Reader, Log: s.log,
	}
	if err := s.verifySender(ctx); err != nil {
		return nil, err
	}
	if err := s.followStream(ctx, filepath.Join(dir, "checkpoints")); err != nil {
		return nil, err
	}
	if err := s.serve(apiURL, mail.Dir(filepath.Join(dir, "mail"))); err != nil {
		return nil, err
	}
	return s, s.openOperator(ctx)
}

func (s *system) close() error {
	var all []error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		all = append(all, s.closers[last]())
		s.closers = s.closers[:last]
	}
	return errors.Join(all...)
}

func (s *system) table(id string) string {
	for _, t := range topology.Tables() {
		if t.ID == id {
			return t.Name(prefix)
		}
	}
	panic("the topology has no table " + id)
}

// invoke runs a deployed function and waits for its answer.
func (s *system) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	out, err := s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(prefix + "-" + function), Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", function, err)
	}
	if out.FunctionError != nil {
		return nil, fmt.Errorf("%s failed: %s", function, out.Payload)
	}
	return out.Payload, nil
}

// setting reads a variable of a function's environment.
func (s *system) setting(ctx context.Context, function, name string) (string, error) {
	out, err := s.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(prefix + "-" + function)})
	if err != nil {
		return "", fmt.Errorf("read the settings of %s: %w", function, err)
	}
	if out.Environment == nil || out.Environment.Variables[name] == "" {
		return "", fmt.Errorf("%s has no setting %s", function, name)
	}
	return out.Environment.Variables[name], nil
}

// verifySender does what the stack leaves to whoever deploys it.
func (s *system) verifySender(ctx context.Context) error {
	from, err := s.setting(ctx, "reactor", "ANNALS_MAIL_FROM")
	if err != nil {
		return err
	}
	address := strings.TrimSuffix(from[strings.LastIndex(from, "<")+1:], ">")
	client := sesv2.New(sesv2.Options{Region: region, BaseEndpoint: &s.endpoint, Credentials: credentials})
	if _, err := client.CreateEmailIdentity(ctx, &sesv2.CreateEmailIdentityInput{EmailIdentity: &address}); err != nil {
		return fmt.Errorf("verify the sender of mail: %w", err)
	}
	return nil
}

// openOperator opens the first operator's account as whoever deploys the system does: what the
// function answers sets the password.
func (s *system) openOperator(ctx context.Context) error {
	s.operator.email, s.operator.password = "operator@annals.example", rand.Text()
	payload, err := json.Marshal(app.BootstrapRequest{Email: s.operator.email})
	if err != nil {
		return fmt.Errorf("open the operator's account: %w", err)
	}
	answer, err := s.invoke(ctx, topology.Bootstrap, payload)
	var opened app.BootstrapReply
	if err == nil {
		err = json.Unmarshal(answer, &opened)
	}
	if err != nil {
		return fmt.Errorf("open the operator's account: %w", err)
	}
	reset := map[string]string{"token": opened.Token, "new": s.operator.password}
	reply, err := scenario.Client{URL: s.url}.Send(ctx, "POST", "/auth/password/reset", reset)
	if err == nil && reply.Status != http.StatusNoContent {
		err = fmt.Errorf("%d %s", reply.Status, reply.Raw)
	}
	if err != nil {
		return fmt.Errorf("set the operator's password: %w", err)
	}
	return nil
}

// followStream brings the reactor its records. Its event source is deployed like the projector's,
// but MiniStack finds no record that fits its filter: where that asks for a member of a set,
// MiniStack compares the member with the whole set.
func (s *system) followStream(ctx context.Context, checkpoints string) error {
	table, err := s.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(s.table("Events"))})
	if err != nil {
		return fmt.Errorf("find the stream: %w", err)
	}
	for _, declared := range topology.EventSources() {
		if len(declared.StreamTypes) == 0 {
			continue
		}
		source := &eventsource.Source{
			Settings: declared, StreamARN: *table.Table.LatestStreamArn,
			Client: dynamodbstreams.New(dynamodbstreams.Options{Region: region, BaseEndpoint: &s.endpoint, Credentials: credentials}),
			Invoke: func(ctx context.Context, payload []byte) ([]byte, error) {
				return s.invoke(ctx, declared.Function, payload)
			},
			OnFailure: func(_ context.Context, _ string, document []byte) error {
				return fmt.Errorf("records were given up: %s", document)
			},
			Checkpoints: checkpoints, Now: time.Now, Log: s.log,
		}
		running, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- source.Run(running) }()
		s.closers = append(s.closers, func() error { cancel(); return <-ended })
	}
	return nil
}

// serve puts the mails beside the API, as the embedded stack does. It asks for the API by a path,
// because the host name in its URL is one that not every resolver knows, and MiniStack answers
// /health there itself.
func (s *system) serve(apiURL string, mails mail.Dir) error {
	deployed, err := url.Parse(apiURL)
	if err != nil {
		return fmt.Errorf("the stack's API: %w", err)
	}
	id, _, _ := strings.Cut(deployed.Host, ".")
	target, err := url.Parse(s.endpoint + "/_aws/execute-api/" + id + "/$default")
	if err != nil {
		return fmt.Errorf("the stack's API: %w", err)
	}
	api := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	box := s.openMailbox(mails)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dev/mail" || strings.HasPrefix(r.URL.Path, "/dev/mail/") {
			box.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}))
	s.url = server.URL
	s.closers = append(s.closers, func() error { server.Close(); return nil })
	return nil
}

// tell tells the function what became of a mail, which MiniStack's SES tells nobody who
// listens by way of EventBridge.
func (s *system) tell(detailType string, detail feedback.Detail) {
	text, err := json.Marshal(detail)
	var payload []byte
	if err == nil {
		payload, err = json.Marshal(events.EventBridgeEvent{
			Version: "0", ID: es.NewID(time.Now(), rand.Reader), DetailType: detailType, Source: "aws.ses",
			AccountID: account, Region: region, Time: time.Now().UTC(), Resources: []string{}, Detail: text,
		})
	}
	if err == nil {
		_, err = s.invoke(context.Background(), "feedback", payload)
	}
	if err != nil {
		s.log.Error("feedback failed", "error", err.Error())
	}
}

// mailbox shows the mails that MiniStack's SES has taken.
type mailbox struct {
	*system
	mailer  *ses.Mailer // of the embedded stack
	browser http.Handler

	mu    sync.Mutex
	known int
}

// openMailbox starts the SES of the embedded stack, which keeps mails and has the mailbox
// simulator.
func (s *system) openMailbox(mails mail.Dir) *mailbox {
	taker := &mail.Server{Dir: mails, Now: time.Now, Emit: s.tell}
	server := httptest.NewServer(taker)
	s.closers = append(s.closers, func() error { server.Close(); taker.Wait(); return nil })
	mailer := ses.New(ses.Settings{Region: region, Endpoint: server.URL, Credentials: credentials, ConfigurationSet: prefix})
	return &mailbox{system: s, mailer: mailer, browser: mail.Browser(mails, s.log)}
}

func (b *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := b.fetch(r.Context()); err != nil {
		b.log.Error("mails cannot be fetched", "error", err.Error())
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	b.browser.ServeHTTP(w, r)
}

// fetch hands on the mails that are new.
func (b *mailbox) fetch(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, "GET", b.endpoint+"/_ministack/ses/messages?account="+account, nil)
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	var all struct {
		Messages map[string][]struct {
			MessageID, Source, Subject, BodyText, BodyHTML string
			To                                             []string
		}
	}
	if err := json.NewDecoder(reply.Body).Decode(&all); err != nil {
		return fmt.Errorf("read MiniStack's mails: %w", err)
	}
	for _, m := range all.Messages[account][b.known:] {
		key, _, _ := strings.Cut(m.MessageID, "@")
		whole := notification.Message{From: m.Source, To: m.To[0], Subject: m.Subject, Text: m.BodyText, HTML: m.BodyHTML}
		if _, err := b.mailer.Send(ctx, key, whole); err != nil {
			return fmt.Errorf("keep a mail: %w", err)
		}
		b.known++
	}
	return nil
}
