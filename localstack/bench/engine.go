package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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
// design. Nobody reads their streams.
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
		if err := tables.StopStreams(ctx, client, d.prefix); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *engine) client(options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamo.NewClient(e.settings, options...)
}
