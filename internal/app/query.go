package app

import (
	"context"
	"slices"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/openapi"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Query builds functions/query, which serves the reads of every module.
func Query(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, err := s.vault()
	if err != nil {
		return nil, err
	}
	repository := s.repository(vault)
	m := s.modules(repository)
	staff := &operator.Module{
		Repository: repository,
		Events:     s.store(),
		Aggregates: append(of(m, module.Aggregates), projection.Aggregates()...),
		Rebuilds:   s.rebuilder(vault),
		Stats:      stats.Reader{Store: s.stats(), Projector: "projector"},
		Now:        s.Now,
	}
	for _, f := range topology.Functions() {
		staff.Stats.Functions = append(staff.Stats.Functions, f.Name)
	}
	return s.gateway("query", slices.Concat(of(m, module.Routes), staff.Routes(), openapi.Routes(), []api.Route{api.Health()}), nil), nil
}
