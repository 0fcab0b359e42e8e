package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/topology"
)

// cacheSize is how much of a command function's memory its folded aggregates may take, in
// bytes.
const cacheSize = 64 << 20

// CommandUser builds functions/command-user.
func CommandUser(ctx context.Context, c Config) (*Counted, error) {
	return newSystem(c).command(ctx, "command-user", func(_ context.Context, m *modules, _ *keys.Ring) (module, error) { return &m.user, nil })
}

// CommandFile builds functions/command-file.
func CommandFile(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-file", func(_ context.Context, m *modules, _ *keys.Ring) (module, error) {
		m.file.Objects = s.objects()
		return &m.file, nil
	})
}

// CommandNotification builds functions/command-notification.
func CommandNotification(ctx context.Context, c Config) (*Counted, error) {
	return newSystem(c).command(ctx, "command-notification", func(_ context.Context, m *modules, _ *keys.Ring) (module, error) { return &m.notification, nil })
}

// command is the function that carries out the commands of one module, which is picked, and
// given what only its commands need.
func (s system) command(ctx context.Context, function string, pick func(context.Context, *modules, *keys.Ring) (module, error)) (*Counted, error) {
	ring, err := s.ring()
	if err != nil {
		return nil, err
	}
	secret, err := ring.Secret(ctx, "requests")
	if err != nil {
		return nil, err
	}
	vault, err := ring.Subjects(s.Now)
	if err != nil {
		return nil, err
	}
	repository := s.repository(vault)
	repository.Cache = es.NewCache(cacheSize)
	m, err := pick(ctx, s.modules(repository), ring)
	if err != nil {
		return nil, err
	}
	return s.gateway(function, m.Routes(), secret), nil
}

// gateway is the handler of a function that serves these routes.
func (s system) gateway(function string, routes []api.Route, secret []byte) *Counted {
	g := &gateway.Gateway{Routes: routes, All: topology.API(), Secret: secret, Now: s.Now, Rand: s.Rand, Log: s.Log}
	return s.counted(function, handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse](g.Handle))
}
