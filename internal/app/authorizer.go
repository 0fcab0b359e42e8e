package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/token"
	"github.com/interview-sandbox/annals/internal/topology"
)

// Authorizer builds functions/authorizer.
func Authorizer(_ context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	signing, err := s.signingKeys()
	if err != nil {
		return nil, err
	}
	a := &gateway.Authorizer{Verifier: &token.Verifier{Keys: signing, Now: s.Now}}
	counted := s.counted(topology.Authorizer, handler[events.APIGatewayV2CustomAuthorizerV2Request, events.APIGatewayV2CustomAuthorizerSimpleResponse](a.Handle))
	counted.quiet = true
	return counted, nil
}
