package otlp_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/otlp"
	"github.com/interview-sandbox/annals/internal/otlp/otlptest"
	"github.com/interview-sandbox/annals/internal/trace"
)

func exporter(t *testing.T, s otlp.Settings) *otlp.Exporter {
	t.Helper()
	e, err := otlp.New(s)
	if err != nil || e == nil {
		t.Fatalf("got %v, error %v", e, err)
	}
	return e
}

func span() trace.Span {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	return trace.Span{Context: trace.Begin(trace.Context{}, true, rand.Reader), Kind: trace.Server, Name: "GET /health", Begun: at, Ended: at.Add(time.Second)}
}

func TestACollectorUnderstandsWhatIsExported(t *testing.T) {
	c := otlptest.Start(t)
	e := exporter(t, otlp.Settings{Endpoint: c.URL + "/", Headers: " api-key = a%20secret%3D ,other=value,"})
	batch, request := span(), span()
	request.Parent, request.State, request.Failed = batch.Context.Span, "rojo=1", true
	request.Attributes = []trace.Attribute{{Name: "route", Value: "/health"}, {Name: "status", Value: 500}, {Name: "cold", Value: false}}
	batch.Kind, batch.Links = trace.Consumer, []trace.Context{request.Context}
	if err := e.Export(t.Context(), "annals-query", []trace.Span{request, batch}); err != nil {
		t.Fatal(err)
	}
	got := c.Spans()
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	if s := got[0]; s.Service != "annals-query" || s.TraceID != request.Trace.String() || s.SpanID != request.Context.Span.String() || s.ParentSpanID != batch.Context.Span.String() ||
		s.TraceState != "rojo=1" || s.Kind != 2 || s.Status.Code != 2 || s.StartTimeUnixNano != "1767323045000000006" || s.EndTimeUnixNano != "1767323046000000006" ||
		s.Attribute("route") != "/health" || s.Attribute("status") != "500" || s.Attribute("cold") != "false" {
		t.Errorf("the request came as %+v", s)
	}
	if s := got[1]; s.Kind != 5 || s.ParentSpanID != "" || s.Status.Code != 0 || !reflect.DeepEqual(s.Links, []otlptest.Link{{TraceID: request.Trace.String(), SpanID: request.Context.Span.String()}}) {
		t.Errorf("the batch came as %+v", s)
	}
	if h := c.Headers()[0]; h.Get("Api-Key") != "a secret=" || h.Get("Other") != "value" {
		t.Errorf("the headers came as %v", h)
	}
}

func TestACollectorThatDoesNotTakeSpansIsAnError(t *testing.T) {
	c := otlptest.Start(t)
	e := exporter(t, otlp.Settings{Endpoint: c.URL})
	for want, answer := range map[string]http.HandlerFunc{
		"503": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"rejected 1 of 1": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}`)
		},
	} {
		c.Answer(answer)
		if err := e.Export(t.Context(), "s", []trace.Span{span()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.Answer(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if err := e.Export(ctx, "s", []trace.Span{span()}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v of a collector that never answers", err)
	}
}

func TestWithoutAnEndpointThereIsNoExporter(t *testing.T) {
	if e, err := otlp.New(otlp.FromEnvironment(func(string) string { return "" })); e != nil || err != nil {
		t.Errorf("got %v, error %v", e, err)
	}
}

func TestSettingsThatMakeNoSenseAreRefusedAndSecretsNotRepeated(t *testing.T) {
	for _, s := range []otlp.Settings{
		{Endpoint: "127.0.0.1:4318"}, {Endpoint: "ftp://127.0.0.1"}, {Endpoint: "http://"},
		{Endpoint: "http://127.0.0.1", Headers: "hush"}, {Endpoint: "http://127.0.0.1", Headers: "a=%hush"}, {Endpoint: "http://127.0.0.1", Headers: "=hush"},
	} {
		if e, err := otlp.New(s); e != nil || err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_") {
			t.Errorf("%+v: got %v, error %v", s, e, err)
		}
	}
}
