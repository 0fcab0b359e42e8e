package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stream"
)

// Projector builds functions/projector, which keeps the views of every module.
func Projector(_ context.Context, c Config) (lambda.Handler, error) {
	s := newSystem(c)
	account := &auth.Module{Executor: es.Executor{Repository: s.repository(readCache)}, Rows: s.rows()}
	p := es.Projector(account.Projections())
	consumer := &stream.Consumer{Consume: p.Project, Log: s.Log}
	return handler[stream.Batch, events.DynamoDBEventResponse](consumer.Handle), nil
}
