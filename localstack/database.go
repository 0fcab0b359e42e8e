package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/localstack/dynoxide"
	"github.com/interview-sandbox/annals/localstack/tables"
)

// startDynamoDB makes a DynamoDB ready, with its tables, and returns where it listens.
func (s *stack) startDynamoDB(ctx context.Context) (string, error) {
	endpoint := s.dynamodb
	if endpoint == "" {
		s.say("dynamodb", "dynoxide opens %s", s.file("dynamodb.db"))
		server, err := dynoxide.Start(ctx, dynoxide.Options{
			DBPath: s.file("dynamodb.db"),
			Log:    slog.NewLogLogger(s.log.With("process", "dynoxide").Handler(), slog.LevelInfo).Writer(),
		})
		if err != nil {
			return "", err
		}
		s.onStop(func() error { server.Stop(); return nil })
		go func() {
			<-server.Done()
			s.fail(errors.New("dynoxide has ended; its last words are in " + s.file("log")))
		}()
		endpoint = server.URL()
	} else {
		s.say("dynamodb", "is %s", endpoint)
	}
	return endpoint, tables.Create(ctx, client(endpoint), prefix)
}

func client(endpoint string) *dynamodb.Client {
	return dynamo.NewClient(dynamo.Settings{Region: region, Endpoint: endpoint, Credentials: credentials})
}
