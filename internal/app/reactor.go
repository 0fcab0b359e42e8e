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
func Reactor(objects Objects, mailer Mailer) Build {
	return func(ctx context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		p, err := s.reactors(ctx, objects, mailer)
		if err != nil {
			return nil, err
		}
		consumer := &stream.Consumer{Consume: p.Project, Damaged: p.Damaged}
		return s.counted("reactor", handler[stream.Batch, events.DynamoDBEventResponse](consumer.Handle)), nil
	}
}

// reactors keeps the checkpoints of reactors apart from the views, which may be thrown away.
func (s system) reactors(ctx context.Context, objects Objects, mailer Mailer) (*projection.Projector, error) {
	vault, ring, err := s.vault()
	if err != nil {
		return nil, err
	}
	repository := s.repository(vault)
	m := s.modules(repository)
	m.file.Objects = objects(s.Config)
	m.user.Keys = vault
	if m.payment.Provider, err = s.provider(ctx, ring); err != nil {
		return nil, err
	}
	if m.auth.AddressKey, err = ring.Secret(ctx, addressPurpose); err != nil {
		return nil, err
	}
	s.mailing(&m.notification, mailer, ring)
	return &projection.Projector{
		Store:       repository.Store,
		Vault:       vault,
		Rows:        &dynamo.Rows{Client: s.dynamodb, Table: s.table("Checkpoints")},
		Parked:      s.parked(),
		Projections: of(m, module.Reactors),
		Executor:    &es.Executor{Repository: repository, Now: s.Now},
		Deadlines:   &dynamo.Deadlines{Client: s.dynamodb, Table: s.table("Deadlines")},
		Now:         s.Now,
	}, nil
}
