package app

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/file"
	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/notification"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/user"
)

// cacheSize is how much of a command function's memory its folded aggregates may take, in
// bytes.
const cacheSize = 64 << 20

// CommandUser builds functions/command-user.
func CommandUser(ctx context.Context, c Config) (*Counted, error) {
	return newSystem(c).command(ctx, "command-user", func(p parts) ([]api.Route, error) {
		return (&user.Module{Executor: p.Executor, Views: p.views}).Routes(), nil
	})
}

// CommandFile builds functions/command-file.
func CommandFile(objects Objects) Build {
	return func(ctx context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		return s.command(ctx, "command-file", func(p parts) ([]api.Route, error) {
			return (&file.Module{Executor: p.Executor, Views: p.views, Objects: objects(s.Config)}).Routes(), nil
		})
	}
}

// CommandNotification builds functions/command-notification.
func CommandNotification(ctx context.Context, c Config) (*Counted, error) {
	return newSystem(c).command(ctx, "command-notification", func(p parts) ([]api.Route, error) {
		return (&notification.Module{Executor: p.Executor, Views: p.views}).Routes(), nil
	})
}

// parts are what the commands of any module are carried out with.
type parts struct {
	es.Executor
	views  *projection.Reader
	ring   *keys.Ring
	limits *api.Limiter
}

// command is the function that carries out the commands of one module. It is built of that
// module alone, because what it can reach is loaded before it answers for the first time.
func (s system) command(ctx context.Context, function string, routes func(parts) ([]api.Route, error)) (*Counted, error) {
	vault, ring, err := s.vault()
	if err != nil {
		return nil, err
	}
	secret, err := ring.Secret(ctx, "requests")
	if err != nil {
		return nil, err
	}
	repository := s.repository(vault)
	repository.Cache = es.NewCache(cacheSize)
	limits := &api.Limiter{Tries: &dynamo.Tries{Client: s.dynamodb, Table: s.table("Tries")}, Key: secret, Now: s.Now}
	own, err := routes(parts{es.Executor{Repository: repository, Now: s.Now}, s.views(repository), ring, limits})
	if err != nil {
		return nil, err
	}
	return s.gateway(function, own, own, secret, limits), nil
}

// gateway is the handler of a function that serves some of all routes that it knows of.
func (s system) gateway(function string, routes, all []api.Route, secret []byte, limits *api.Limiter) *Counted {
	g := &gateway.Gateway{Routes: routes, All: all, Secret: secret, Limits: limits, Now: s.Now, Rand: s.Rand}
	return s.counted(function, handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse](g.Handle))
}
