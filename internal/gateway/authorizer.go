package gateway

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
)

// Verifier tells who a bearer token speaks for. The error is an *es.Error if the token is
// not valid, and anything else if that could not be found out.
type Verifier interface {
	Verify(ctx context.Context, token string) (api.Caller, error)
}

// The names under which the authorizer hands a caller to the functions.
const (
	contextCaller  = "caller"
	contextRoles   = "roles"
	contextSession = "session"
	contextReason  = "reason"
	contextFailed  = "failed"
)

// Authorizer handles API Gateway's Lambda authorizer requests (payload format 2.0, simple
// responses). It lets every request pass and says who is asking: the function then refuses
// with the problem document of the contract, which API Gateway cannot give by itself.
type Authorizer struct{ Verifier Verifier }

// Handle identifies the sender of one request.
func (a *Authorizer) Handle(ctx context.Context, in events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
	out := events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: map[string]any{}}
	header, ok := in.Headers["authorization"]
	if !ok {
		return out, nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		out.Context[contextReason] = "Authorization has to be: Bearer <access token>."
		return out, nil
	}
	caller, err := a.Verifier.Verify(ctx, strings.TrimSpace(token))
	if err != nil {
		if refused := refusal(err); refused != "" {
			out.Context[contextReason] = refused
			return out, nil
		}
		stats.From(ctx).Failed("", fmt.Errorf("check a token: %w", err))
		out.Context[contextFailed] = "true"
		return out, nil
	}
	out.Context[contextCaller] = caller.ID
	out.Context[contextRoles] = strings.Join(caller.Roles, " ")
	out.Context[contextSession] = caller.Session
	return out, nil
}

// callerOf reads what the authorizer said. A request that did not pass it has no caller.
func callerOf(r request) (api.Caller, error) {
	authorizer := r.RequestContext.Authorizer
	if authorizer == nil {
		return api.Caller{}, nil
	}
	said := func(name string) string { s, _ := authorizer.Lambda[name].(string); return s }
	if said(contextFailed) != "" {
		return api.Caller{}, errUnchecked
	}
	return api.Caller{ID: said(contextCaller), Roles: strings.Fields(said(contextRoles)), Session: said(contextSession), Reason: said(contextReason)}, nil
}

var errUnchecked = &es.Error{Kind: es.Unavailable, Code: "unavailable", Message: "The access token could not be checked. Try again."}
