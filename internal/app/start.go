package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/interview-sandbox/annals/internal/topology"
)

// Start runs a function in Lambda. A handler that can't be built ends the process, which
// Lambda reports as a failed initialization and tries again.
func Start(build Build) {
	c := fromEnvironment()
	handler, err := build(context.Background(), c)
	if err != nil {
		c.Log.Error("initialization failed", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func fromEnvironment() Config {
	queues := map[string]string{}
	for _, q := range topology.Queues() {
		queues[q.ID] = os.Getenv(q.Setting())
	}
	return Config{
		Prefix:   os.Getenv("ANNALS_PREFIX"),
		Region:   os.Getenv("AWS_REGION"),
		Endpoint: os.Getenv("AWS_ENDPOINT_URL"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
			}, nil
		}),
		KMSKey:    os.Getenv("ANNALS_KMS_KEY"),
		Queues:    queues,
		MailFrom:  os.Getenv("ANNALS_MAIL_FROM"),
		PublicURL: os.Getenv("ANNALS_PUBLIC_URL"),
		Now:       time.Now,
		Rand:      rand.Reader,
		Log:       slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}
}
