// Package otlp exports spans to a collector of OpenTelemetry by OTLP over HTTP, as JSON:
// https://opentelemetry.io/docs/specs/otlp/ and, for the form of the JSON,
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. The SDK of OpenTelemetry
// would add 2.4 MB to the zip of every function, which may have 4.
package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/interview-sandbox/annals/internal/trace"
)

// Settings is what an exporter needs to know.
type Settings struct {
	Endpoint string // a URL to which /v1/traces is added; "": nothing is exported
	Headers  string // "api-key=secret,other=value", the values encoded as in URLs
}

// FromEnvironment reads the settings that OpenTelemetry has variables for:
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func FromEnvironment(env func(string) string) Settings {
	return Settings{Endpoint: env("OTEL_EXPORTER_OTLP_ENDPOINT"), Headers: env("OTEL_EXPORTER_OTLP_HEADERS")}
}

// Exporter sends spans.
type Exporter struct {
	url     string
	headers http.Header
	client  *http.Client
}

// New makes an exporter, nil if there is no endpoint. It connects to nobody yet.
func New(s Settings) (*Exporter, error) {
	if s.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT has to be a URL such as http://127.0.0.1:4318, not %q", s.Endpoint)
	}
	e := &Exporter{url: u.JoinPath("v1", "traces").String(), headers: http.Header{}, client: &http.Client{}}
	for pair := range strings.SplitSeq(s.Headers, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, encoded, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(encoded))
		if !ok || err != nil || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS has to be a list such as api-key=secret,other=value") // and is a secret
		}
		e.headers.Set(strings.TrimSpace(name), value)
	}
	e.headers.Set("Content-Type", "application/json")
	return e, nil
}

// Export sends spans of a service with one request, which is not repeated.
func (e *Exporter) Export(ctx context.Context, service string, spans []trace.Span) error {
	body, err := json.Marshal(newRequest(service, spans))
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	r.Header = e.headers.Clone()
	answer, err := e.client.Do(r)
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10)) // all of it, so that the connection is kept
	if err != nil {
		return fmt.Errorf("export spans: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("export spans: the collector answered %s", answer.Status)
	}
	var partial struct {
		PartialSuccess struct {
			RejectedSpans json.Number `json:"rejectedSpans"`
		} `json:"partialSuccess"`
	}
	// A collector that answers in another form has taken them all the same.
	if json.Unmarshal(said, &partial) == nil && partial.PartialSuccess.RejectedSpans != "" && partial.PartialSuccess.RejectedSpans != "0" {
		return fmt.Errorf("export spans: the collector rejected %s of %d", partial.PartialSuccess.RejectedSpans, len(spans))
	}
	return nil
}

// What follows is ExportTraceServiceRequest of opentelemetry-proto 1.

type request struct {
	ResourceSpans []resourceSpans `json:"resourceSpans"`
}

type resourceSpans struct {
	Resource   resource     `json:"resource"`
	ScopeSpans []scopeSpans `json:"scopeSpans"`
}

type resource struct {
	Attributes []attribute `json:"attributes"`
}

type scopeSpans struct {
	Scope scope  `json:"scope"`
	Spans []span `json:"spans"`
}

type scope struct {
	Name string `json:"name"`
}

type span struct {
	TraceID           string      `json:"traceId"`
	SpanID            string      `json:"spanId"`
	ParentSpanID      string      `json:"parentSpanId,omitempty"`
	TraceState        string      `json:"traceState,omitempty"`
	Name              string      `json:"name"`
	Kind              int         `json:"kind"`
	StartTimeUnixNano string      `json:"startTimeUnixNano"`
	EndTimeUnixNano   string      `json:"endTimeUnixNano"`
	Attributes        []attribute `json:"attributes,omitempty"`
	Links             []link      `json:"links,omitempty"`
	Status            status      `json:"status"`
}

type link struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

type status struct {
	Code int `json:"code,omitempty"` // 0: unset, 2: error
}

type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

type value struct {
	StringValue *string `json:"stringValue,omitempty"`
	IntValue    *string `json:"intValue,omitempty"`
	BoolValue   *bool   `json:"boolValue,omitempty"`
}

func newRequest(service string, spans []trace.Span) request {
	all := make([]span, len(spans))
	for i, s := range spans {
		all[i] = encode(s)
	}
	return request{[]resourceSpans{{
		Resource:   resource{attributes([]trace.Attribute{{Name: "service.name", Value: service}})},
		ScopeSpans: []scopeSpans{{scope{"github.com/interview-sandbox/annals"}, all}},
	}}}
}

func encode(s trace.Span) span {
	out := span{
		TraceID: s.Trace.String(), SpanID: s.Context.Span.String(), TraceState: s.State, Name: s.Name, Kind: int(s.Kind),
		StartTimeUnixNano: strconv.FormatInt(s.Begun.UnixNano(), 10), EndTimeUnixNano: strconv.FormatInt(s.Ended.UnixNano(), 10),
		Attributes: attributes(s.Attributes),
	}
	if s.Parent != (trace.SpanID{}) {
		out.ParentSpanID = s.Parent.String()
	}
	for _, l := range s.Links {
		out.Links = append(out.Links, link{l.Trace.String(), l.Span.String()})
	}
	if s.Failed {
		out.Status.Code = 2
	}
	return out
}

func attributes(all []trace.Attribute) (out []attribute) {
	for _, a := range all {
		var v value
		switch said := a.Value.(type) {
		case string:
			v.StringValue = &said
		case int:
			n := strconv.Itoa(said)
			v.IntValue = &n
		case bool:
			v.BoolValue = &said
		}
		out = append(out, attribute{a.Name, v})
	}
	return out
}
