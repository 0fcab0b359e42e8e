package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/queue"
)

// CommandOperator builds functions/command-operator.
func CommandOperator(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-operator", func(p parts) ([]api.Route, error) {
		reactors, err := s.reactors(ctx)
		return (&operator.Module{Rebuilds: s.rebuilder(p.Vault), Reactors: reactors}).Routes(), err
	})
}

// Rebuild builds functions/rebuild, which works off the queue of the same name.
func Rebuild(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, err := s.vault()
	if err != nil {
		return nil, err
	}
	worker := &queue.Worker{Do: s.rebuilder(vault).Do}
	return s.counted("rebuild", handler[events.SQSEvent, any](worker.Handle)), nil
}

func (s system) rebuilder(vault es.Vault) *projection.Rebuilder {
	store := s.store()
	return &projection.Rebuilder{
		Projector: s.projector(vault),
		Executor:  &es.Executor{Repository: es.Repository{Store: store}, Now: s.Now},
		Scanner:   store,
		Parts:     &dynamo.Parts{Client: s.dynamodb, Table: s.table("Views")},
		Queue:     queue.New(queue.Settings{Region: s.Region, URL: s.Queues["Rebuild"], Credentials: s.Credentials}),
	}
}
