package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/eventsource"
)

// startSources starts every event source. When the stack stops they finish the invocations
// that are under way.
func (s *stack) startSources(ctx context.Context, endpoint string, functions map[string]lambda.Handler) error {
	streams := dynamodbstreams.New(dynamodbstreams.Options{
		Region: region, BaseEndpoint: &endpoint, Credentials: credentials,
		HTTPClient: &http.Client{Timeout: 10 * time.Second},
	})
	for _, declared := range topology.EventSources() {
		table, arn, err := streamOf(ctx, client(endpoint), declared)
		if err != nil {
			return err
		}
		s.say("streams", "%s follows %s", declared.Function, table)
		s.follow(&eventsource.Source{
			Settings:  declared,
			StreamARN: arn,
			Client:    streams,
			Invoke:    functions[declared.Function].Invoke,
			OnFailure: func(_ context.Context, key string, document []byte) error {
				return s.objects.Put(failures, key, document)
			},
			Checkpoints: filepath.Join(s.file("checkpoints"), declared.Function+"-"+table),
			Now:         time.Now,
			Log:         s.log,
		})
	}
	return nil
}

func (s *stack) follow(source *eventsource.Source) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := source.Run(ctx)
		if ctx.Err() == nil {
			s.fail(errors.Join(fmt.Errorf("the event source of %s has ended", source.Settings.Function), err))
			err = nil
		}
		ended <- err
	}()
	s.onStop(func() error {
		cancel()
		return <-ended
	})
}

// streamOf names the table of an event source and its stream.
func streamOf(ctx context.Context, client *dynamodb.Client, source topology.EventSource) (table, arn string, err error) {
	for _, t := range topology.Tables() {
		if t.ID == source.Table {
			table = t.Name(prefix)
		}
	}
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return "", "", fmt.Errorf("describe table %s: %w", table, err)
	}
	if out.Table.LatestStreamArn == nil {
		return "", "", fmt.Errorf("table %s, which was made by something else, has no stream", table)
	}
	return table, *out.Table.LatestStreamArn, nil
}
