package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stream"
)

// Projector builds functions/projector, which keeps the views of every module.
func Projector(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, _, err := s.vault()
	if err != nil {
		return nil, err
	}
	p := s.projector(vault)
	consumer := &stream.Consumer{Consume: p.Project, Damaged: p.Damaged}
	return s.counted("projector", handler[stream.Batch, events.DynamoDBEventResponse](consumer.Handle)), nil
}

// projector keeps the projections of every module and those of rebuilds.
func (s system) projector(vault es.Vault) *projection.Projector {
	repository := s.repository(vault)
	return &projection.Projector{
		Store:       repository.Store,
		Vault:       vault,
		Rows:        s.rows(),
		Parked:      s.parked(),
		Generations: s.generations(),
		Projections: append(of(s.modules(repository), module.Projections), projection.Rebuilds),
		Now:         s.Now,
	}
}
