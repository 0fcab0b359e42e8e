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

// Start runs a function in Lambda. A handler that can't be built ends the process, which
// Lambda reports as a failed initialization and tries again.
func Start(build Build) {
	c, err := fromEnvironment()
	var handler *Counted
	if err == nil {
		handler, err = build(context.Background(), c)
	}
	if err != nil {
		c.Log.Error("initialization failed", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
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
