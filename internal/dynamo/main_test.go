package dynamo_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/tables"
)

var settings dynamo.Settings // of the server that all tests share

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx := context.Background()
	server, err := dynoxide.Start(ctx, dynoxide.Options{})
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	settings = dynamo.Settings{Region: "us-east-1", Endpoint: server.URL(), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})}
	if err := tables.Create(ctx, client(), "annals"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func client(options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamo.NewClient(settings, options...)
}
