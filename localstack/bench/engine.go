package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// engine is the one DynamoDB that everything is measured on.
type engine struct {
	server   *dynoxide.Server
	settings dynamo.Settings
}

// startEngine starts a DynamoDB in memory with the events and snapshots tables of each
// design. Their streams are off: nobody reads them here, and dynoxide looks through all of a
// table's stream records at every write, which would measure nothing but how many there are.
func startEngine(ctx context.Context) (*engine, error) {
	server, err := dynoxide.Start(ctx, dynoxide.Options{})
	if err != nil {
		return nil, err
	}
	e := &engine{server, dynamo.Settings{Region: "us-east-1", Endpoint: server.URL(), Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "bench", SecretAccessKey: "bench"}, nil
	})}}
	client := e.client()
	for _, d := range designs {
		if err := tables.Create(ctx, client, d.prefix); err != nil {
			return nil, err
		}
		_, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: aws.String(d.prefix + "-events"), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
		if err != nil {
			return nil, fmt.Errorf("turn a stream off: %w", err)
		}
	}
	return e, nil
}

func (e *engine) client(options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamo.NewClient(e.settings, options...)
}
