// Package otlptest is a collector of OpenTelemetry for tests: it takes spans by OTLP over HTTP
// and is stricter about their JSON than others are, by
// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto and
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
package otlptest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Span is a span as it was sent, with the name of its service.
type Span struct {
	Service           string      `json:"-"`
	TraceID           string      `json:"traceId"`
	SpanID            string      `json:"spanId"`
	ParentSpanID      string      `json:"parentSpanId"`
	TraceState        string      `json:"traceState"`
	Name              string      `json:"name"`
	Kind              int         `json:"kind"`
	StartTimeUnixNano string      `json:"startTimeUnixNano"`
	EndTimeUnixNano   string      `json:"endTimeUnixNano"`
	Attributes        []Attribute `json:"attributes"`
	Links             []Link      `json:"links"`
	Status            struct {
		Code int `json:"code"`
	} `json:"status"`
}

// Link is to a span of this or another trace.
type Link struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

// Attribute is a name with a value, of which there is exactly one.
type Attribute struct {
	Key   string `json:"key"`
	Value struct {
		String *string `json:"stringValue"`
		Int    *string `json:"intValue"`
		Bool   *bool   `json:"boolValue"`
	} `json:"value"`
}

// Attribute is the value of an attribute as text, "" if there is none.
func (s Span) Attribute(name string) string {
	for _, a := range s.Attributes {
		switch {
		case a.Key != name:
		case a.Value.String != nil:
			return *a.Value.String
		case a.Value.Int != nil:
			return *a.Value.Int
		case a.Value.Bool != nil:
			return strconv.FormatBool(*a.Value.Bool)
		}
	}
	return ""
}

// Collector takes spans until its test ends. What is wrong with any of them is an error of
// the test.
type Collector struct {
	URL string

	t       testing.TB
	mu      sync.Mutex
	spans   []Span
	headers []http.Header
	answer  http.HandlerFunc
	arrived chan struct{} // closed when the next spans are there
}

// Start starts a collector on loopback.
func Start(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{t: t, arrived: make(chan struct{})}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Answer makes the collector answer with this from now on, after it has taken the spans.
func (c *Collector) Answer(with http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = with
}

// ServeHTTP implements [http.Handler].
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	spans, err := read(r)
	if err != nil {
		c.t.Errorf("the collector was sent something wrong: %v", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	c.spans = append(c.spans, spans...)
	c.headers = append(c.headers, r.Header)
	close(c.arrived)
	c.arrived = make(chan struct{})
	answer := c.answer
	c.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"partialSuccess":{}}`)
}

// Headers are those of the requests so far.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.headers)
}

// Spans are those that have come so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// patience is how long a span may take to arrive.
const patience = 30 * time.Second

// Await waits for a span.
func (c *Collector) Await(t testing.TB, what string, is func(Span) bool) Span {
	t.Helper()
	tooLate := time.After(patience)
	for {
		c.mu.Lock()
		i, arrived := slices.IndexFunc(c.spans, is), c.arrived
		c.mu.Unlock()
		if i >= 0 {
			return c.Spans()[i]
		}
		select {
		case <-arrived:
		case <-tooLate:
			t.Fatalf("there is no %s among %d spans", what, len(c.Spans()))
		}
	}
}

func read(r *http.Request) ([]Span, error) {
	var request struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes []Attribute `json:"attributes"`
			} `json:"resource"`
			ScopeSpans []struct {
				Scope struct {
					Name string `json:"name"`
				} `json:"scope"`
				Spans []Span `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
		return nil, fmt.Errorf("%s %s with %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		return nil, err
	}
	var all []Span
	for _, of := range request.ResourceSpans {
		service := Span{Attributes: of.Resource.Attributes}.Attribute("service.name")
		for _, scoped := range of.ScopeSpans {
			for _, s := range scoped.Spans {
				s.Service = service
				if err := s.check(scoped.Scope.Name); err != nil {
					return nil, fmt.Errorf("span %+v: %w", s, err)
				}
				all = append(all, s)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there are no spans")
	}
	return all, nil
}

var (
	traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	spanID  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	zero    = regexp.MustCompile(`^0*$`)
)

func (s Span) check(scope string) error {
	begun, err := strconv.ParseUint(s.StartTimeUnixNano, 10, 64)
	ended, err2 := strconv.ParseUint(s.EndTimeUnixNano, 10, 64)
	switch {
	case s.Service == "" || scope == "" || s.Name == "":
		return errors.New("it, its service or its scope has no name")
	case !traceID.MatchString(s.TraceID) || !spanID.MatchString(s.SpanID) || zero.MatchString(s.TraceID) || zero.MatchString(s.SpanID):
		return errors.New("its ids are not hexadecimal or zero")
	case s.ParentSpanID != "" && !spanID.MatchString(s.ParentSpanID) || s.ParentSpanID == s.SpanID:
		return errors.New("its parent's id is not hexadecimal or its own")
	case s.Kind < 1 || s.Kind > 5 || s.Status.Code < 0 || s.Status.Code > 2:
		return errors.New("there is no such kind or status")
	case err != nil || err2 != nil || begun == 0 || ended < begun:
		return errors.New("its times are not in order")
	}
	for _, l := range s.Links {
		if !traceID.MatchString(l.TraceID) || !spanID.MatchString(l.SpanID) {
			return errors.New("a link is to nothing")
		}
	}
	seen := map[string]bool{}
	for _, a := range s.Attributes {
		n := 0
		for _, there := range []bool{a.Value.String != nil, a.Value.Int != nil, a.Value.Bool != nil} {
			if there {
				n++
			}
		}
		if a.Key == "" || n != 1 || seen[a.Key] {
			return fmt.Errorf("attribute %q has %d values or is there twice", a.Key, n)
		}
		if a.Value.Int != nil {
			if _, err := strconv.ParseInt(*a.Value.Int, 10, 64); err != nil {
				return fmt.Errorf("attribute %s: %w", a.Key, err)
			}
		}
		seen[a.Key] = true
	}
	return nil
}
