// Package front is API Gateway's HTTP API in this process: HTTP requests become events in
// payload format 2.0, in real JSON, and what functions return becomes HTTP responses. It
// does what AWS documents, and where that is silent what its service has been seen to do:
//
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
//   - https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
package front

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/topology"
	"github.com/interview-sandbox/annals/localstack/function"
)

// The quotas of HTTP APIs; AWS raises none of them.
const (
	maxHead        = 10240    // bytes of the request line and all header values
	maxBody        = 10 << 20 // bytes
	maxIntegration = 30 * time.Second
	maxAuthorizer  = 10 * time.Second
)

// Front answers HTTP requests by functions.
type Front struct {
	routes    map[string]topology.Route // by route key
	patterns  []api.Route               // the same routes, for matching
	functions map[string]lambda.Handler
	log       *slog.Logger

	maxIntegration, maxAuthorizer time.Duration
}

// New makes the front of these routes. functions has, by name, those of the routes,
// [topology.DefaultRoute] and [topology.Authorizer]. log takes a line for each request,
// which names the route and never the path, and says why an invocation failed.
func New(routes []topology.Route, functions map[string]lambda.Handler, log *slog.Logger) *Front {
	f := &Front{
		routes: map[string]topology.Route{}, functions: functions, log: log,
		maxIntegration: maxIntegration, maxAuthorizer: maxAuthorizer,
	}
	for _, r := range routes {
		f.routes[r.Key()] = r
		f.patterns = append(f.patterns, api.Route{Method: r.Method, Path: r.Path})
	}
	return f
}

// ServeHTTP answers one request. An invocation that has begun is not cut short, neither by
// a client that hangs up nor by the answer that time is up.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := f.read(r)
	answer, err := f.answer(w, q)
	answer.write(w, q.id)

	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("requestId", q.id), slog.String("route", q.key), slog.Int("status", answer.status),
		slog.Int("bytes", len(answer.body)), slog.Int64("ms", time.Since(q.at).Milliseconds()),
	}
	if err != nil {
		level, attrs = slog.LevelError, append(attrs, slog.String("error", err.Error()))
	}
	f.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// request is an HTTP request with what the front has found out about it.
type request struct {
	*http.Request
	id     string
	at     time.Time
	route  topology.Route
	key    string // of the route: "GET /health" or "$default"
	params map[string]string
}

func (f *Front) read(r *http.Request) request {
	q := request{Request: r, id: rand.Text()[:15] + "=", at: time.Now()}
	pattern, params := api.Match(f.patterns, r.Method, r.URL.Path)
	if route, ok := f.routes[pattern.Key()]; ok {
		q.route, q.key, q.params = route, route.Key(), params
	} else {
		q.route, q.key = topology.Route{Function: topology.DefaultRoute}, "$default"
	}
	return q
}

// answer gives the response to a request, and what went wrong if that is on our side.
func (f *Front) answer(w http.ResponseWriter, q request) (response, error) {
	if q.headSize() > maxHead {
		return refusal(http.StatusRequestHeaderFieldsTooLarge), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return refusal(http.StatusRequestEntityTooLarge), nil
	}
	if err != nil {
		return refusal(http.StatusBadRequest), nil
	}
	if _, err := url.ParseQuery(q.URL.RawQuery); err != nil {
		return refusal(http.StatusBadRequest), nil
	}
	event := q.event(body)
	if q.route.Authorized {
		said, err := f.authorize(q.Context(), event)
		if err != nil {
			return refusal(http.StatusInternalServerError), fmt.Errorf("authorize: %w", err)
		}
		if !*said.IsAuthorized {
			return refusal(http.StatusForbidden), nil
		}
		event.RequestContext.Authorizer = said.description()
	}
	payload, err := f.invoke(q.Context(), q.route.Function, event, f.maxIntegration)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return refusal(http.StatusServiceUnavailable), err
	case errors.Is(err, function.ErrRequestTooLarge):
		return refusal(http.StatusRequestEntityTooLarge), nil
	case err != nil:
		return refusal(http.StatusInternalServerError), err
	}
	answer, err := responseOf(payload)
	if err != nil {
		return refusal(http.StatusInternalServerError), fmt.Errorf("read what %s returned: %w", q.route.Function, err)
	}
	return answer, nil
}

// invoke gives a function an event. The error wraps [context.DeadlineExceeded] if the
// function takes longer than limit.
func (f *Front) invoke(ctx context.Context, name string, event any, limit time.Duration) ([]byte, error) {
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("write the event: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	out, err := f.functions[name].Invoke(ctx, payload)
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", name, err)
	}
	return out, nil
}
