package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/gateway"
	"github.com/interview-sandbox/annals/internal/stats"
)

var errDown = errors.New("the table does not answer")

// verdicts knows one good token and one that cannot be checked.
type verdicts struct{}

func (verdicts) Verify(_ context.Context, token string) (api.Caller, error) {
	switch token {
	case "good":
		return api.Caller{ID: "ada", Roles: []string{"operator", "auditor"}, Session: "s"}, nil
	case "unknown":
		return api.Caller{}, errDown
	}
	return api.Caller{}, &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "Bad token."}
}

func TestTheAuthorizerSaysWhoAsksAndLetsTheFunctionRefuse(t *testing.T) {
	a := &gateway.Authorizer{Verifier: verdicts{}}
	for name, c := range map[string]struct {
		headers map[string]string
		want    map[string]any
	}{
		"no token":       {nil, map[string]any{}},
		"a good token":   {map[string]string{"authorization": "Bearer good"}, map[string]any{"caller": "ada", "roles": "operator auditor", "session": "s"}},
		"another case":   {map[string]string{"authorization": "bearer good"}, map[string]any{"caller": "ada", "roles": "operator auditor", "session": "s"}},
		"a bad token":    {map[string]string{"authorization": "Bearer bad"}, map[string]any{"reason": "Bad token."}},
		"another scheme": {map[string]string{"authorization": "Basic good"}, map[string]any{"reason": "Authorization has to be: Bearer <access token>."}},
		"no scheme":      {map[string]string{"authorization": "good"}, map[string]any{"reason": "Authorization has to be: Bearer <access token>."}},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := a.Handle(t.Context(), events.APIGatewayV2CustomAuthorizerV2Request{Headers: c.headers})
			if err != nil || !out.IsAuthorized || len(out.Context) != len(c.want) {
				t.Fatalf("got %+v, error %v, want %v", out, err, c.want)
			}
			for k, v := range c.want {
				if out.Context[k] != v {
					t.Errorf("%s is %v, want %v", k, out.Context[k], v)
				}
			}
		})
	}
}

func TestATokenThatCannotBeCheckedIsNobodysAndAnsweredAsAFailure(t *testing.T) {
	var log bytes.Buffer
	ctx, record := stats.Begin(t.Context())
	a := &gateway.Authorizer{Verifier: verdicts{}}
	said, err := a.Handle(ctx, events.APIGatewayV2CustomAuthorizerV2Request{Headers: map[string]string{"authorization": "Bearer unknown"}})
	record.Log(ctx, slog.New(slog.NewJSONHandler(&log, nil)), stats.Run{}, false)
	if err != nil || said.Context["caller"] != nil || !strings.Contains(log.String(), errDown.Error()) {
		t.Fatalf("got %+v, error %v, log %s", said, err, &log)
	}
	s := newServer()
	in := events.APIGatewayV2HTTPRequest{RouteKey: "GET /auth/users/{id}"}
	in.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: said.Context}
	if out, err := s.Handle(t.Context(), in); err != nil || out.StatusCode != 503 {
		t.Errorf("status %d, error %v", out.StatusCode, err)
	}
}

func TestTheReasonOfTheAuthorizerReachesTheCaller(t *testing.T) {
	s := newServer()
	in := events.APIGatewayV2HTTPRequest{RouteKey: "GET /auth/users/{id}", Headers: map[string]string{"authorization": "Bearer old"}}
	in.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"reason": "This access token has expired."}}
	out, err := s.Handle(t.Context(), in)
	if err != nil || out.StatusCode != 401 || out.Headers["WWW-Authenticate"] != `Bearer realm="annals", error="invalid_token"` {
		t.Fatalf("status %d, headers %v, error %v", out.StatusCode, out.Headers, err)
	}
}
