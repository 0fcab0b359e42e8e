package app

import (
	"context"
	"crypto/ed25519"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/token"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Authorizer builds functions/authorizer.
func Authorizer(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	a := &gateway.Authorizer{Verifier: &token.Verifier{
		Now: s.Now,
		Key: func(ctx context.Context) (ed25519.PublicKey, error) { return keys.Public(ctx, s.keys()) },
	}}
	counted := s.counted(topology.Authorizer, handler[events.APIGatewayV2CustomAuthorizerV2Request, events.APIGatewayV2CustomAuthorizerSimpleResponse](a.Handle))
	counted.quiet = true
	return counted, nil
}
