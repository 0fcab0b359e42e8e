package app

import (
	"context"
	"encoding/base64"
	"slices"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/openapi"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/token"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Query builds functions/query, which serves the reads of every module.
func Query(objects Objects) Build {
	return func(_ context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		vault, _, err := s.vault()
		if err != nil {
			return nil, err
		}
		signing, err := s.signingKeys()
		if err != nil {
			return nil, err
		}
		repository := s.repository(vault)
		m := s.modules(repository)
		m.auth.PublicKeys = publicKeys{signing}
		m.file.Objects = objects(s.Config)
		staff := &operator.Module{
			Repository: repository,
			Events:     s.store(),
			Aggregates: append(of(m, module.Aggregates), projection.Aggregates()...),
			Rebuilds:   s.rebuilder(vault, nil),
			Stats:      stats.Reader{Store: s.stats(), Projector: "projector"},
			Now:        s.Now,
		}
		for _, f := range topology.Functions() {
			staff.Stats.Functions = append(staff.Stats.Functions, f.Name)
		}
		return s.gateway("query", slices.Concat(of(m, module.Routes), staff.Routes(), openapi.Routes(), []api.Route{api.Health()}), topology.API(), nil, nil), nil
	}
}

type publicKeys struct{ keys *token.Keys }

// PublicKeys implements auth.PublicKeys.
func (k publicKeys) PublicKeys(ctx context.Context) ([]auth.PublicKey, error) {
	list, err := k.keys.List(ctx)
	published := make([]auth.PublicKey, len(list))
	for i, key := range list {
		published[i] = auth.PublicKey{
			Type: "EC", Curve: "P-256", ID: key.ID, Use: "sig", Algorithm: "ES256",
			X: base64.RawURLEncoding.EncodeToString(key.X), Y: base64.RawURLEncoding.EncodeToString(key.Y),
		}
	}
	return published, err
}
