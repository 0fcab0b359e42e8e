// Package gateway serves api routes to API Gateway: requests of an HTTP API in payload
// format 2.0 come in, responses and problem documents go out.
package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/trace"
)

// MaxBody is the size of the largest request body that is read, in bytes.
const MaxBody = 256 << 10

// Gateway is the handler of one function behind the HTTP API.
type Gateway struct {
	Routes []api.Route  // those that this function serves
	All    []api.Route  // those of the whole API, to tell a wrong method from a wrong path
	Secret []byte       // keys what is derived from requests
	Limits *api.Limiter // of functions with a route that has a limit
	Now    func() time.Time
	Rand   io.Reader
}

// lastWords is how long before its function's time is up a request has to be answered.
const lastWords = 500 * time.Millisecond

// Handle answers one request. Whatever goes wrong comes back as a problem document, so the
// error is always nil: of a failed invocation, API Gateway would show its own.
func (g *Gateway) Handle(ctx context.Context, in events.APIGatewayV2HTTPRequest) (out events.APIGatewayV2HTTPResponse, _ error) {
	if end, ok := ctx.Deadline(); ok {
		// Whatever hangs has to end while there is time left to say so.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-lastWords))
		defer cancel()
	}
	r, record := request{in}, stats.From(ctx)
	defer func() {
		maps.Copy(out.Headers, guards)
		record.Answered(g.command(r), out.StatusCode, out.Headers[headerReplay] != "")
	}()
	correlation := g.correlation(r)
	parent, state := r.trace()
	span := trace.Begin(parent, record.Traced(), g.Rand)
	record.Asked(stats.Request{ID: r.RequestContext.RequestID, Route: r.RouteKey, CorrelationID: correlation, Context: span, Parent: parent, State: state})
	answer := make(chan events.APIGatewayV2HTTPResponse, 1)
	go func() { answer <- g.answer(ctx, r, correlation, span) }()
	select {
	case out = <-answer:
		return out, nil
	case <-ctx.Done():
		return g.problem(ctx, r, correlation, es.ErrUnavailable), nil
	}
}

// command reports whether a request is for a command.
func (g *Gateway) command(r request) bool {
	return slices.ContainsFunc(g.Routes, func(route api.Route) bool { return route.Command && route.Key() == r.RouteKey })
}

func (g *Gateway) answer(ctx context.Context, r request, correlation string, span trace.Context) (out events.APIGatewayV2HTTPResponse) {
	defer func() {
		if p := recover(); p != nil {
			out = g.problem(ctx, r, correlation, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	response, err := g.serve(ctx, r, correlation, span)
	if err == nil {
		stats.From(ctx).Shown(uint64(response.Version))
		out, err = render(r, response)
	}
	if err != nil {
		return g.problem(ctx, r, correlation, err)
	}
	out.Headers[headerCorrelation] = correlation
	return out
}

func (g *Gateway) serve(ctx context.Context, r request, correlation string, span trace.Context) (api.Response, error) {
	if err := r.tooMuch(); err != nil {
		return api.Response{}, err
	}
	route, params, err := g.route(r)
	if err != nil {
		return api.Response{}, err
	}
	caller, err := callerOf(r)
	if err != nil {
		return api.Response{}, err
	}
	if err := route.Check(caller, params); err != nil {
		if errors.Is(err, api.ErrUnauthenticated) && caller.Reason != "" {
			return api.Response{}, &es.Error{Kind: es.Unauthenticated, Code: api.ErrUnauthenticated.Code, Message: caller.Reason}
		}
		return api.Response{}, err
	}
	var body []byte
	if route.Command { // a body of a read is passed over
		if body, err = r.body(); err != nil {
			return api.Response{}, err
		}
	}
	query, err := route.Declared(r.QueryStringParameters, r.Headers)
	if err != nil {
		return api.Response{}, err
	}
	call := api.Call{
		Caller:  caller,
		Params:  params,
		Query:   query,
		Headers: r.Headers,
		Client:  r.client(),
		Source:  r.RequestContext.HTTP.SourceIP,
		Meta:    es.Meta{CorrelationID: correlation, Actor: caller.Actor(), Trace: span.String()},
	}
	if route.Command {
		if err := g.identify(r, &call); err != nil {
			return api.Response{}, err
		}
		stats.From(ctx).Commanded(call.Meta.CommandID)
	}
	if err := g.limit(ctx, route, call); err != nil {
		return api.Response{}, err
	}
	return route.Serve(ctx, call, body)
}

// limit counts a request to a route that may be used so and so often.
func (g *Gateway) limit(ctx context.Context, route api.Route, call api.Call) error {
	if route.Limit.Most == 0 {
		return nil
	}
	who := call.Caller.ID
	if route.Access == api.Public {
		who = call.Network()
	}
	return g.Limits.Take(ctx, g.Limits.Use(route.Limit, who))
}

// route finds the declared route. API Gateway has matched the request already; what arrives
// under $default matches no route at all, and is told which methods its path has. So is what it
// has matched with a parameter although the path is that of another route: DELETE /users/me.
func (g *Gateway) route(r request) (api.Route, map[string]string, error) {
	allowed := api.Allowed(g.All, r.RawPath)
	if len(allowed) > 0 && !slices.Contains(allowed, r.RequestContext.HTTP.Method) {
		return api.Route{}, nil, &methodError{allowed}
	}
	if r.RouteKey != "$default" {
		for _, route := range g.Routes {
			if route.Key() == r.RouteKey {
				return route, r.PathParameters, nil
			}
		}
		return api.Route{}, nil, fmt.Errorf("route %q was sent to a function that does not serve it", r.RouteKey)
	}
	return api.Route{}, nil, &es.Error{Kind: es.NotFound, Code: "no-such-route", Message: "There is no such route."}
}

// identify gives a command its id, which is the same for every repeat with one key, as are
// the ids and secrets that come out of it.
func (g *Gateway) identify(r request, call *api.Call) (err error) {
	if call.IfMatch, err = r.ifMatch(); err != nil {
		return err
	}
	key, ok := r.Headers["idempotency-key"]
	if !ok {
		call.Meta.CommandID = es.NewID(g.Now(), g.Rand)
		call.NewID = func(string) string { return es.NewID(g.Now(), g.Rand) }
		call.Secret = func(string) []byte { return g.random(sha256.Size) }
		return nil
	}
	if !idempotencyKey().MatchString(key) {
		return api.Malformed("Idempotency-Key takes 1 to 255 visible ASCII characters.")
	}
	id := es.DeriveID("idempotency", call.Meta.Actor, key)
	call.Meta.CommandID = id
	call.NewID = func(kind string) string { return es.DeriveID("object", kind, id) }
	call.Secret = func(purpose string) []byte { return g.mac("secret", purpose, id) }
	call.Fingerprint = func(request []byte) []byte { return g.mac("fingerprint", string(request))[:16] }
	return nil
}

// mac is a keyed hash of some texts, none of which can be mistaken for part of another.
func (g *Gateway) mac(texts ...string) []byte {
	mac := hmac.New(sha256.New, g.Secret)
	for _, s := range texts {
		fmt.Fprintf(mac, "%d:%s,", len(s), s)
	}
	return mac.Sum(nil)
}

func (g *Gateway) random(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(g.Rand, b); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return b
}

var (
	idempotencyKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)
	})
	correlationForm = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	})
)

// correlation is the id that ties together all that the request leads to.
func (g *Gateway) correlation(r request) string {
	if id := r.Headers[strings.ToLower(headerCorrelation)]; correlationForm().MatchString(id) {
		return id
	}
	return es.NewID(g.Now(), g.Rand)
}

const (
	headerCorrelation = "X-Correlation-Id"
	headerReplay      = "Idempotent-Replay"
)

// guards are the headers of every answer that have browsers take it for nothing but what it says it is
// (OWASP ASVS 5.0, 3.4; OWASP REST Security Cheat Sheet, "Security Headers"). The one page that there is
// has its style in itself.
var guards = map[string]string{
	"Content-Security-Policy":   "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Referrer-Policy":           "no-referrer",
	"Strict-Transport-Security": "max-age=31536000",
	"X-Content-Type-Options":    "nosniff",
}

// render gives the response in API Gateway's form.
func render(r request, response api.Response) (events.APIGatewayV2HTTPResponse, error) {
	out := events.APIGatewayV2HTTPResponse{StatusCode: response.Status, Headers: map[string]string{"Cache-Control": "no-store"}}
	if response.Fresh > 0 {
		out.Headers["Cache-Control"] = fmt.Sprintf("public, max-age=%d", int(response.Fresh.Seconds()))
	}
	if response.Version > 0 {
		if r.RequestContext.HTTP.Method == http.MethodGet {
			out.Headers["Cache-Control"] = "private, no-cache" // may be kept, if it is asked about
			// by the same caller: others have what has the same version under /users/me.
			out.Headers["Vary"] = "Authorization"
		}
		out.Headers["ETag"] = etag(response.Version)
		if r.noneMatch(response.Version) {
			out.StatusCode = http.StatusNotModified
			return out, nil
		}
	}
	if response.Location != "" {
		out.Headers["Location"] = response.Location
	}
	if response.Replay {
		out.Headers[headerReplay] = "true"
	}
	if response.Waited > 0 {
		out.Headers["Preference-Applied"] = fmt.Sprintf("wait=%d", int(response.Waited.Seconds()))
	}
	if response.Body == nil {
		return out, nil
	}
	if page, ok := response.Body.(api.HTML); ok {
		out.Headers["Content-Type"] = "text/html; charset=utf-8"
		out.Body = string(page)
		return out, nil
	}
	body, err := json.Marshal(response.Body)
	if err != nil {
		return out, fmt.Errorf("write the response: %w", err)
	}
	out.Headers["Content-Type"] = "application/json"
	out.Body = string(body)
	return out, nil
}

func etag(v es.Version) string { return fmt.Sprintf(`"%d"`, v) }

// request reads what a request says, apart from what its route makes of it.
type request struct{ events.APIGatewayV2HTTPRequest }

// What a request may bring along, besides its body. API Gateway takes 10,240 bytes of request line
// and headers at most, and of these any number.
const (
	maxHeaders = 100
	maxPath    = 2048 // bytes
	maxQuery   = 8192 // bytes
	maxParams  = 32   // of the query
)

// tooMuch refuses what has more, or is longer, than any request that makes sense.
func (r request) tooMuch() error {
	for _, part := range []struct {
		name    string
		n, most int
	}{
		{"headers", len(r.Headers), maxHeaders}, {"bytes in its path", len(r.RawPath), maxPath},
		{"bytes in its query", len(r.RawQueryString), maxQuery}, {"parameters in its query", len(r.QueryStringParameters), maxParams},
	} {
		if part.n > part.most {
			return api.Malformed(fmt.Sprintf("A request has at most %d %s.", part.most, part.name))
		}
	}
	return nil
}

func (r request) body() ([]byte, error) {
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return nil, api.Malformed("The body cannot be read.")
		}
	}
	if len(body) > MaxBody {
		return nil, ErrBodyTooLarge
	}
	return body, nil
}

// ErrBodyTooLarge refuses a body of more than [MaxBody] bytes.
var ErrBodyTooLarge = &es.Error{Kind: es.TooLarge, Code: "body-too-large", Message: fmt.Sprintf("A body may have %d bytes at most.", MaxBody)}

// ifMatch is the version in If-Match, nil if there is none or any version will do.
func (r request) ifMatch() (*es.Version, error) {
	s, ok := r.Headers["if-match"]
	if !ok || s == "*" {
		return nil, nil
	}
	version, ok := parseETag(s)
	if !ok {
		return nil, api.Malformed(`If-Match takes one ETag as an earlier answer gave it, such as "3".`)
	}
	return &version, nil
}

// noneMatch reports whether If-None-Match names this version (RFC 9110, 13.1.2).
func (r request) noneMatch(v es.Version) bool {
	if r.RequestContext.HTTP.Method != http.MethodGet {
		return false
	}
	for tag := range strings.SplitSeq(r.Headers["if-none-match"], ",") {
		tag = strings.TrimSpace(tag)
		if named, ok := parseETag(strings.TrimPrefix(tag, "W/")); tag == "*" || ok && named == v {
			return true
		}
	}
	return false
}

// trace is what the request says about the trace that it is part of; zero if it says nothing
// that is valid, and then a tracestate does not count either.
func (r request) trace() (parent trace.Context, state string) {
	parent, ok := trace.Parse(r.Headers["traceparent"])
	if ok {
		state = trace.State(r.Headers["tracestate"])
	}
	return parent, state
}

// client is what the program that calls says it is, in a form that is fit to be stored.
func (r request) client() string {
	s := r.RequestContext.HTTP.UserAgent
	return strings.ToValidUTF8(s[:min(len(s), maxClient)], "")
}

// maxClient is in bytes.
const maxClient = 200
