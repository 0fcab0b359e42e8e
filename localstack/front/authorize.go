package front

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/topology"
)

// decision is what an authorizer returns as its simple response.
type decision struct {
	IsAuthorized *bool                      `json:"isAuthorized"`
	Context      map[string]json.RawMessage `json:"context"`
}

// authorize asks the authorizer about a request, every time: its answers are not cached.
func (f *Front) authorize(ctx context.Context, e events.APIGatewayV2HTTPRequest) (decision, error) {
	out, err := f.invoke(ctx, topology.Authorizer, events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0",
		Type:    "REQUEST",
		RouteArn: fmt.Sprintf("arn:aws:execute-api:us-east-1:%s:%s/%s/%s%s",
			accountID, apiID, stage, e.RequestContext.HTTP.Method, e.RawPath),
		RouteKey:              e.RouteKey,
		RawPath:               e.RawPath,
		RawQueryString:        e.RawQueryString,
		Cookies:               e.Cookies,
		Headers:               e.Headers,
		QueryStringParameters: e.QueryStringParameters,
		RequestContext:        e.RequestContext,
		PathParameters:        e.PathParameters,
	}, f.maxAuthorizer)
	if err != nil {
		return decision{}, err
	}
	var said decision
	if err := json.Unmarshal(out, &said); err != nil {
		return decision{}, fmt.Errorf("read its answer: %w", err)
	}
	if said.IsAuthorized == nil {
		return decision{}, errors.New("its answer lacks isAuthorized")
	}
	return said, nil
}

// description is the decision as functions see it, each value just as it was written.
func (d decision) description() *events.APIGatewayV2HTTPRequestContextAuthorizerDescription {
	values := make(map[string]any, len(d.Context))
	for name, value := range d.Context {
		values[name] = value
	}
	return &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: values}
}
