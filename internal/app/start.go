package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/otlp"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Start runs a function in Lambda. Its handler, which needs keys that are somewhere else, is built
// while Lambda is asked for the first invocation, and every invocation waits until it is there.
// A handler that can't be built ends the process, which fails the invocation that waits and has
// Lambda replace the process.
//
// With provisioned concurrency nobody waits for the start, so the handler is built before Lambda
// is asked. On demand, Lambda may start a process before there is an invocation and freeze it in
// the middle of building; connections that are broken when it goes on are for the retries of
// AWS's clients (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
func Start(build Build) {
	p := &pending{built: make(chan struct{})}
	go p.build(build)
	if os.Getenv("AWS_LAMBDA_INITIALIZATION_TYPE") != "on-demand" {
		<-p.built
	}
	lambda.Start(p)
}

// pending is a handler that may not have been built yet.
type pending struct {
	built   chan struct{} // closed when handler is there
	handler lambda.Handler
}

func (p *pending) build(build Build) {
	c, err := fromEnvironment()
	var handler *Counted
	if err == nil {
		handler, err = build(context.Background(), c)
	}
	if err != nil {
		c.Log.Error("initialization failed", "error", err.Error())
		os.Exit(1)
	}
	p.handler = handler
	close(p.built)
}

// Invoke implements [lambda.Handler].
func (p *pending) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	select {
	case <-p.built:
		return p.handler.Invoke(ctx, payload)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func fromEnvironment() (Config, error) {
	queues := map[string]string{}
	for _, q := range topology.Queues() {
		queues[q.ID] = os.Getenv(q.Setting())
	}
	buckets := map[string]string{}
	for _, b := range topology.Buckets() {
		buckets[b.ID] = os.Getenv(b.Setting())
	}
	exporter, err := otlp.New(otlp.FromEnvironment(os.Getenv))
	return Config{
		Prefix:   os.Getenv("ANNALS_PREFIX"),
		Region:   os.Getenv("AWS_REGION"),
		Endpoint: os.Getenv("AWS_ENDPOINT_URL"),
		SES:      os.Getenv("AWS_ENDPOINT_URL_SESV2"),
		KeyFile:  os.Getenv("ANNALS_KEY_FILE"),
		// Like the key file, for the local stack alone.
		SigningFiles: listed(os.Getenv("ANNALS_SIGNING_FILES")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
		KMSKey:      os.Getenv("ANNALS_KMS_KEY"),
		SigningKeys: listed(os.Getenv(topology.SigningKeysSetting)),
		S3:          cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")),
		Queues:      queues,
		Buckets:     buckets,
		Payments: Payments{
			Provider:    os.Getenv("ANNALS_PAYMENT_PROVIDER"),
			SandboxHook: os.Getenv("ANNALS_SANDBOX_WEBHOOKS"),
			Stripe:      os.Getenv("ANNALS_STRIPE"),
		},
		MailFrom:  os.Getenv("ANNALS_MAIL_FROM"),
		PublicURL: os.Getenv("ANNALS_PUBLIC_URL"),
		Now:       time.Now,
		Rand:      rand.Reader,
		Log:       slog.New(slog.NewJSONHandler(os.Stdout, nil)),
		Metrics:   true,
		Exporter:  exporter,
	}, err
}

func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}
