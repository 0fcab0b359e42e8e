package app

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
)

// Query builds functions/query, which serves the reads of every module.
func Query(_ context.Context, c Config) (lambda.Handler, error) {
	s := newSystem(c)
	account := &auth.Module{Executor: es.Executor{Repository: es.Repository{Store: s.store()}}, Rows: s.rows()}
	return s.gateway(append(account.Routes(), api.Health()), nil), nil
}
