package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stream"
)

// Reactor builds functions/reactor, which carries out what the reactors of every module want
// done because of events.
func Reactor(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, err := s.vault()
	if err != nil {
		return nil, err
	}
	p := s.reactors(vault)
	consumer := &stream.Consumer{Consume: p.Project, Damaged: p.Damaged, Log: s.Log}
	return s.counted("reactor", handler[stream.Batch, events.DynamoDBEventResponse](consumer.Handle)), nil
}

// reactors keeps the checkpoints of reactors apart from the views, which may be thrown away.
func (s system) reactors(vault es.Vault) *projection.Projector {
	repository := s.repository(vault)
	return &projection.Projector{
		Store:       repository.Store,
		Vault:       vault,
		Rows:        &dynamo.Rows{Client: s.dynamodb, Table: s.table("Checkpoints")},
		Parked:      &dynamo.Parked{Client: s.dynamodb, Table: s.table("Parked")},
		Projections: of(s.modules(repository), module.Reactors),
		Executor:    &es.Executor{Repository: repository, Now: s.Now},
		Deadlines:   &dynamo.Deadlines{Client: s.dynamodb, Table: s.table("Deadlines")},
		Now:         s.Now,
	}
}
