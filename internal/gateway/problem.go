package gateway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
)

// statusOf is the one map from what an error means to its HTTP status.
var statusOf = map[es.Kind]int{
	es.Malformed:       http.StatusBadRequest,
	es.Unauthenticated: http.StatusUnauthorized,
	es.Forbidden:       http.StatusForbidden,
	es.NotFound:        http.StatusNotFound,
	es.Conflict:        http.StatusConflict,
	es.Stale:           http.StatusPreconditionFailed,
	es.TooLarge:        http.StatusRequestEntityTooLarge,
	es.Rejected:        http.StatusUnprocessableEntity,
	es.Limited:         http.StatusTooManyRequests,
	es.Unavailable:     http.StatusServiceUnavailable,
}

// StatusOf gives the HTTP status of errors of a kind.
func StatusOf(k es.Kind) int { return statusOf[k] }

// Problem is the document that describes what went wrong (RFC 9457).
type Problem struct {
	Type          string       `json:"type"` // a stable slug: /problems/email-taken
	Title         string       `json:"title"`
	Status        int          `json:"status"`
	Detail        string       `json:"detail"`
	Instance      string       `json:"instance"` // the path that was asked
	CorrelationID string       `json:"correlationId"`
	Errors        []FieldError `json:"errors,omitempty"`
}

// FieldError says what is wrong with one value of the body.
type FieldError struct {
	Pointer string `json:"pointer"` // RFC 6901
	Detail  string `json:"detail"`
}

// methodError answers a request whose path exists with other methods only.
type methodError struct{ allowed []string }

func (e *methodError) Error() string { return "method not allowed" }

// problem renders an error. One that is not meant for callers shows as a plain 500, and
// what it says is noted for the line of the request.
func (g *Gateway) problem(ctx context.Context, r request, correlation string, err error) events.APIGatewayV2HTTPResponse {
	p := Problem{Instance: r.RawPath, CorrelationID: correlation}
	headers := map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store", headerCorrelation: correlation}
	var known *es.Error
	var method *methodError
	switch {
	case errors.As(err, &method):
		p.Type, p.Status = "/problems/method-not-allowed", http.StatusMethodNotAllowed
		headers["Allow"] = strings.Join(method.allowed, ", ")
		p.Detail = "This path takes " + headers["Allow"] + "."
	case errors.As(err, &known):
		p.Type, p.Status, p.Detail = "/problems/"+known.Code, statusOf[known.Kind], known.Message
		for _, f := range known.Fields {
			p.Errors = append(p.Errors, FieldError{f.Pointer, f.Message})
		}
	default:
		p.Type, p.Status = "/problems/internal", http.StatusInternalServerError
		p.Detail = "Something went wrong on our side. Tell us the correlation id."
	}
	p.Title = http.StatusText(p.Status)
	switch {
	case p.Status == http.StatusUnauthorized:
		headers["WWW-Authenticate"] = `Bearer realm="annals"`
		if r.Headers["authorization"] != "" {
			headers["WWW-Authenticate"] += `, error="invalid_token"`
		}
	case p.Status == http.StatusTooManyRequests:
		headers["Retry-After"] = strconv.Itoa(int(math.Ceil(known.After.Seconds())))
	case p.Status == http.StatusServiceUnavailable:
		headers["Retry-After"] = "1"
	}
	record := stats.From(ctx)
	record.Refused(strings.TrimPrefix(p.Type, "/problems/"))
	if p.Status >= http.StatusInternalServerError {
		record.Failed("", err)
	}
	body, err := json.Marshal(p, jsontext.AllowInvalidUTF8(true)) // the path may be anything
	if err != nil {
		body = []byte(`{"type":"/problems/internal","title":"Internal Server Error","status":500}`)
		p.Status = http.StatusInternalServerError
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: p.Status, Headers: headers, Body: string(body)}
}

func parseETag(s string) (es.Version, bool) {
	inner, quoted := strings.CutPrefix(s, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	n, err := strconv.ParseUint(inner, 10, 63)
	return es.Version(n), quoted && closed && err == nil
}

// refusal is what an error may tell a caller; "" if it is not meant for callers.
func refusal(err error) string {
	var known *es.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return ""
}
