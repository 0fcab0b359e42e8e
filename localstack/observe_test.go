package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/metrics"
	"github.com/interview-sandbox/annals/internal/otlp/otlptest"
	"github.com/interview-sandbox/annals/localstack/scenario"
	"github.com/interview-sandbox/annals/localstack/stacktest"
)

// invocation is what the line of an invocation says, as far as these tests look at it.
type invocation struct {
	Message        string `json:"msg"`
	Level          string `json:"level"`
	System         string
	Function       string
	Route          string   `json:"route"`
	Status         int      `json:"status"`
	CorrelationID  string   `json:"correlationId"`
	CommandID      string   `json:"commandId"`
	CorrelationIDs []string `json:"correlationIds"`
	TraceID        string   `json:"traceId"`
	SpanID         string   `json:"spanId"`
	TraceIDs       []string `json:"traceIds"`
	Stream         string   `json:"stream"`
	Version        int      `json:"version"`
	ColdStart      bool     `json:"coldStart"`
	Events         int
	WriteUnits     float64
	Latency        float64
	Lag            float64
}

// invocations reads the lines of invocations in the log of a stack.
func invocations(t *testing.T, s *stacktest.Stack) (all []invocation) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if bytes.Contains(lines.Bytes(), []byte(`"`+metrics.Key+`"`)) {
			t.Errorf("a line has metadata that nobody reads here: %s", lines.Bytes())
		}
		var one invocation
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.Function != "" {
			all = append(all, one)
		}
	}
	return all
}

// of gives those that a test looks for.
func of(all []invocation, is func(invocation) bool) []invocation {
	return slices.DeleteFunc(slices.Clone(all), func(i invocation) bool { return !is(i) })
}

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
	observed     = "observed-1"
)

// registerTraced opens an account as part of a trace of the caller's.
func registerTraced(t *testing.T, s *stacktest.Stack) (id string) {
	t.Helper()
	nobody := scenario.Client{URL: s.URL()}
	created := nobody.Expect(t, 201, "POST", "/auth/users", map[string]string{"email": "hypatia@example.com", "password": "open sesame 1", "name": "Hypatia"},
		scenario.Header{Name: "traceparent", Value: "00-" + callersTrace + "-" + callersSpan + "-01"}, scenario.Header{Name: "tracestate", Value: "rojo=1"},
		scenario.Header{Name: "X-Correlation-Id", Value: observed})
	return created.Text("id")
}

func TestARequestCanBeFollowedThroughTheLog(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	stream := "user#" + registerTraced(t, s)
	projected := func(i invocation) bool {
		return i.Function == "projector" && slices.Contains(i.CorrelationIDs, observed)
	}
	reacted := func(i invocation) bool { return i.Function == "reactor" && slices.Contains(i.CorrelationIDs, observed) }
	eventually(t, "both have their lines", func() bool {
		all := invocations(t, s)
		return len(of(all, projected)) > 0 && len(of(all, reacted)) > 0
	})
	all := invocations(t, s)
	commands := of(all, func(i invocation) bool { return i.CorrelationID == observed })
	if len(commands) != 1 {
		t.Fatalf("the command has %d lines: %+v", len(commands), commands)
	}
	c := commands[0]
	if c.Message != "command" || c.Level != "INFO" || c.System != "annals" || c.Function != "command-auth" || c.Route != "POST /auth/users" || c.Status != 201 ||
		c.CommandID == "" || c.TraceID != callersTrace || len(c.SpanID) != 16 || c.SpanID == callersSpan || c.Stream != stream || c.Version != 1 ||
		!c.ColdStart || c.Events == 0 || c.WriteUnits == 0 || c.Latency <= 0 {
		t.Errorf("the command's line is %+v", c)
	}
	for _, batch := range append(of(all, projected), of(all, reacted)...) {
		if batch.Message != "batch" || batch.Level != "INFO" || !slices.Contains(batch.TraceIDs, callersTrace) || batch.TraceID == callersTrace || batch.Lag <= 0 || batch.Latency <= 0 {
			t.Errorf("the line of a batch is %+v", batch)
		}
	}
	for _, function := range []string{"command-auth", "projector"} {
		if cold := of(all, func(i invocation) bool { return i.Function == function && i.ColdStart }); len(cold) != 1 {
			t.Errorf("%s has %d cold starts", function, len(cold))
		}
	}
	scenario.Client{URL: s.URL()}.Expect(t, 200, "GET", "/health", nil)
	if lines := of(invocations(t, s), func(i invocation) bool { return i.Function == "authorizer" }); len(lines) > 0 {
		t.Errorf("the authorizer has lines of its own: %+v", lines)
	}
}

func TestTheSpanOfAProjectionLinksToThatOfItsCommand(t *testing.T) {
	t.Parallel()
	c := otlptest.Start(t)
	s := stacktest.Start(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+c.URL)
	id := registerTraced(t, s)
	command := c.Await(t, "span of the command", func(s otlptest.Span) bool { return s.Name == "POST /auth/users" })
	if command.TraceID != callersTrace || command.ParentSpanID != callersSpan || command.TraceState != "rojo=1" || command.Kind != 2 || command.Service != "annals-command-auth" ||
		command.Attribute("http.route") != "/auth/users" || command.Attribute("http.response.status_code") != "201" || command.Attribute("annals.stream") != "user#"+id {
		t.Errorf("the command's span is %+v", command)
	}
	linked := func(s otlptest.Span) bool {
		return slices.Contains(s.Links, otlptest.Link{TraceID: command.TraceID, SpanID: command.SpanID})
	}
	for _, function := range []string{"projector", "reactor"} {
		batch := c.Await(t, "span of the "+function+" with a link to the command's", func(s otlptest.Span) bool { return s.Name == function && linked(s) })
		if batch.Kind != 5 || batch.TraceID == callersTrace || batch.Service != "annals-"+function {
			t.Errorf("the batch's span is %+v", batch)
		}
	}
	c.Await(t, "span of the command's write", func(s otlptest.Span) bool {
		return s.ParentSpanID == command.SpanID && s.TraceID == callersTrace && strings.HasPrefix(s.Name, "DynamoDB.") && s.Kind == 3
	})
	// What reactors do because of the command goes on in its trace.
	eventually(t, "a commit of a reactor carries the trace of the command that led to it", func() bool {
		var c struct{ Actor, Trace struct{ S string } }
		for commits := json.NewDecoder(strings.NewReader(stored(t, s, "Events"))); commits.Decode(&c) == nil; {
			if strings.HasPrefix(c.Actor.S, "reactor:") && c.Trace.S == "00-"+command.TraceID+"-"+command.SpanID+"-01" {
				return true
			}
		}
		return false
	})
}
