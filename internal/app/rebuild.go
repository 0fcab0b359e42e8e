package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/queue/worker"
)

// CommandOperator builds functions/command-operator.
func CommandOperator(objects Objects, mailer Mailer, queue Queue) Build {
	return func(ctx context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		return s.command(ctx, "command-operator", func(p parts) ([]api.Route, error) {
			reactors, err := s.reactors(ctx, objects, mailer)
			return (&operator.Module{Rebuilds: s.rebuilder(p.Vault, queue(s.Config)), Reactors: reactors}).Routes(), err
		})
	}
}

// Rebuild builds functions/rebuild, which works off the queue of the same name.
func Rebuild(queue Queue) Build {
	return func(_ context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		vault, _, err := s.vault()
		if err != nil {
			return nil, err
		}
		w := &worker.Worker{Do: s.rebuilder(vault, queue(s.Config)).Do}
		return s.counted("rebuild", handler[events.SQSEvent, any](w.Handle)), nil
	}
}

// rebuilder has no queue where rebuilds are only looked at.
func (s system) rebuilder(vault es.Vault, queue projection.Queue) *projection.Rebuilder {
	store := s.store()
	return &projection.Rebuilder{
		Projector: s.projector(vault),
		Executor:  &es.Executor{Repository: es.Repository{Store: store}, Now: s.Now},
		Scanner:   store,
		Parts:     &dynamo.Parts{Client: s.dynamodb, Table: s.table("Views")},
		Queue:     queue,
	}
}
