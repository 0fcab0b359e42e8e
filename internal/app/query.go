package app

import (
	"context"
	"slices"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/operator"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Query builds functions/query, which serves the reads of every module.
func Query(_ context.Context, c Config) (lambda.Handler, error) {
	s := newSystem(c)
	vault, err := s.vault()
	if err != nil {
		return nil, err
	}
	repository := s.repository(vault)
	account := &auth.Module{Executor: es.Executor{Repository: repository}, Views: s.views(repository)}
	staff := &operator.Module{
		Repository: repository,
		Events:     s.store(),
		Aggregates: slices.Concat(account.Aggregates(), projection.Aggregates()),
		Rebuilds:   s.rebuilder(vault),
		Now:        s.Now,
	}
	return s.gateway(slices.Concat(account.Routes(), staff.Routes(), []api.Route{api.Health()}), nil), nil
}
