package app

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/password"
	"github.com/interview-sandbox/annals/internal/token"
	"github.com/interview-sandbox/annals/internal/topology"
)

// CommandAuth builds functions/command-auth.
func CommandAuth(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	ring, err := s.ring()
	if err != nil {
		return nil, err
	}
	secret, err := ring.Secret(ctx, "requests")
	if err != nil {
		return nil, err
	}
	module, err := s.auth(ctx, ring)
	if err != nil {
		return nil, err
	}
	return s.gateway("command-auth", module.Routes(), secret), nil
}

// gateway is the handler of a function that serves these routes.
func (s system) gateway(function string, routes []api.Route, secret []byte) *Counted {
	g := &gateway.Gateway{Routes: routes, All: topology.API(), Secret: secret, Now: s.Now, Rand: s.Rand, Log: s.Log}
	return s.counted(function, handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse](g.Handle))
}

type passwords struct{}

func (passwords) Hash(p string) string        { return password.Hash(p) }
func (passwords) Matches(hash, p string) bool { return password.Matches(hash, p) }

type tokens struct{ key ed25519.PrivateKey }

func (t tokens) Issue(caller api.Caller, now time.Time) (string, time.Duration, error) {
	issued, err := (&token.Issuer{Key: t.key}).Issue(caller, now)
	return issued, token.Life, err
}

// Bootstrap opens the operator's account unless it has been opened already. The error is
// auth.ErrEmailTaken if somebody else has the address.
func Bootstrap(ctx context.Context, c Config, email, secret string) error {
	s := newSystem(c)
	ring, err := s.ring()
	if err != nil {
		return err
	}
	module, err := s.auth(ctx, ring)
	if err != nil {
		return err
	}
	command := es.DeriveID("bootstrap", email)
	_, err = module.Create(ctx, es.Meta{CommandID: command, CorrelationID: command, Actor: "system:bootstrap"}, nil, auth.CreateUser{
		ID: es.DeriveID("operator", email), Email: email, Name: "Operator", PasswordHash: password.Hash(secret), Roles: []string{api.RoleOperator},
	})
	return err
}
