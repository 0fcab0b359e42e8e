package stats_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/metrics"
	"github.com/interview-sandbox/annals/internal/metrics/metricstest"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/trace"
)

var (
	parent, _ = trace.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	own, _    = trace.Parse("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01")
	ended     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// written is the line of an invocation that did something and took 12.5 ms.
func written(t *testing.T, metadata, cold bool, do func(*stats.Record)) []byte {
	t.Helper()
	var out bytes.Buffer
	ctx, r := stats.Begin(t.Context())
	do(r)
	r.Log(ctx, slog.New(slog.NewJSONHandler(&out, nil)).With(metrics.System, "annals", metrics.Function, "f"),
		stats.Run{Begun: ended.Add(-12500 * time.Microsecond), Ended: ended, Cold: cold, Context: own}, metadata)
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
		t.Fatalf("%d lines: %s", n, &out)
	}
	return out.Bytes()
}

// expectLine compares a line with what it has to say, but for its time.
func expectLine(t *testing.T, line []byte, want string) {
	t.Helper()
	var got, wanted map[string]any
	if err := errors.Join(json.Unmarshal(line, &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	delete(got, metrics.Key)
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("the line is\n%s\nwant\n%s", line, want)
	}
}

func accepted(r *stats.Record) {
	r.Asked(stats.Request{ID: "request", Route: "POST /auth/users", CorrelationID: "c", Context: own, Parent: parent})
	r.Commanded("command")
	r.Used(stats.Cost{RoundTrips: 3, Retries: 1, ReadUnits: 0.5, WriteUnits: 4})
	r.Conflict()
	r.Stored(stats.Stored{Stream: "user#1", Version: 2, Events: 2, CommandID: "command", CorrelationID: "c"})
	r.Stored(stats.Stored{Stream: "email#2", Version: 1, Events: 1, CommandID: "command", CorrelationID: "c"})
	r.Shown(2)
	r.Answered(true, 201, false)
}

func TestTheLineOfACommandTellsWhatItDid(t *testing.T) {
	expectLine(t, written(t, true, true, accepted), `{"level":"INFO","msg":"command","System":"annals","Function":"f",
		"route":"POST /auth/users","status":201,"requestId":"request","correlationId":"c","commandId":"command",
		"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7",
		"stream":"user#1","version":2,"commits":2,"retries":1,"roundTrips":3,"coldStart":true,
		"Commands":1,"Conflicts":1,"Events":3,"ReadUnits":0.5,"WriteUnits":4,"Latency":12.5}`)
	expectLine(t, written(t, true, false, func(r *stats.Record) {
		r.Asked(stats.Request{Route: "POST /payments", CorrelationID: "c"})
		r.Shown(7)
		r.Answered(true, 200, true)
	}), `{"level":"INFO","msg":"command","System":"annals","Function":"f","route":"POST /payments","status":200,"correlationId":"c",
		"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","version":7,"Commands":1,"Replays":1,"Latency":12.5}`)
}

func TestTheLineOfARequestThatIsNotAnsweredAsItWishesSaysWhy(t *testing.T) {
	expectLine(t, written(t, true, false, func(r *stats.Record) {
		r.Asked(stats.Request{Route: "GET /users/{id}", CorrelationID: "c"})
		r.Refused("not-found")
		r.Answered(false, 404, false)
	}), `{"level":"INFO","msg":"query","System":"annals","Function":"f","route":"GET /users/{id}","status":404,"problem":"not-found","correlationId":"c",
		"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","Refusals":1,"Latency":12.5}`)
	expectLine(t, written(t, true, false, func(r *stats.Record) {
		r.Asked(stats.Request{Route: "GET /users/{id}", CorrelationID: "c"})
		r.Refused("internal")
		r.Failed("", errors.New("the table is gone"))
		r.Answered(false, 500, false)
	}), `{"level":"ERROR","msg":"query","System":"annals","Function":"f","route":"GET /users/{id}","status":500,"problem":"internal","correlationId":"c",
		"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7","failures":[{"error":"the table is gone"}],"Faults":1,"Latency":12.5}`)
}

func TestTheLineOfABatchNamesWhatItCameFrom(t *testing.T) {
	expectLine(t, written(t, true, false, func(r *stats.Record) {
		for _, c := range []string{"a", "b", "a"} {
			r.Took(stats.Cause{CorrelationID: c, Context: parent})
		}
		r.Took(stats.Cause{CorrelationID: "of an old commit"})
		r.Lagged("users", 3*time.Second)
		r.Lagged("files", 40*time.Millisecond)
		r.Failed("42", errors.New("the table does not answer"))
	}), `{"level":"ERROR","msg":"batch","System":"annals","Function":"f","items":4,"correlationIds":["a","b","of an old commit"],
		"traceIds":["0af7651916cd43dd8448eb211c80319c"],"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"00f067aa0ba902b7",
		"failures":[{"item":"42","error":"the table does not answer"}],"Faults":1,"Lag":3000,"Latency":12.5}`)
}

func TestTheLineOfABatchHasTheSizeOfABatchOfAStreamAtMost(t *testing.T) {
	line := written(t, true, false, func(r *stats.Record) {
		for range 1000 {
			r.Took(stats.Cause{CorrelationID: rand.Text(), Context: trace.Begin(trace.Context{}, true, rand.Reader)})
			r.Failed("", errors.New("broken"))
		}
	})
	if !strings.Contains(string(line), `"items":1000`) || !strings.Contains(string(line), `"Faults":1000`) || len(line) > 11_000 {
		t.Errorf("a line of %d bytes", len(line))
	}
}

func TestCloudWatchFindsInALineWhatIsNotZero(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*stats.Record)
		want map[string]float64
	}{
		"a command":                            {accepted, map[string]float64{"Commands": 1, "Conflicts": 1, "Events": 3, "ReadUnits": 0.5, "WriteUnits": 4, "Latency": 12.5}},
		"nothing":                              {func(*stats.Record) {}, map[string]float64{"Latency": 12.5}},
		"what is parked, though it is nothing": {func(r *stats.Record) { r.Parked(0) }, map[string]float64{"Latency": 12.5, "Parked": 0}},
	} {
		found, err := metricstest.Read(written(t, true, false, c.do))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := map[string]float64{}
		for metric, f := range found {
			got[metric] = f.Value
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if line := written(t, false, false, accepted); bytes.Contains(line, []byte(metrics.Key)) {
		t.Errorf("there is metadata where nobody reads it: %s", line)
	}
}

func TestAnInvocationIsToldAsSpansWithLinksToWhatItCameFrom(t *testing.T) {
	begun := ended.Add(-time.Second)
	_, r := stats.Begin(t.Context())
	r.Trace(func() time.Time { return ended })
	r.Took(stats.Cause{Context: parent})
	r.Took(stats.Cause{})
	r.Called("DynamoDB.Query", begun, nil, true)
	spans := r.Spans("projector", stats.Run{Begun: begun, Ended: ended, Context: own}, rand.Reader)
	if len(spans) != 2 {
		t.Fatalf("got %+v", spans)
	}
	if s := spans[0]; s.Context != own || s.Parent != (trace.SpanID{}) || s.Kind != trace.Consumer || s.Name != "projector" || s.Failed ||
		!s.Begun.Equal(begun) || !s.Ended.Equal(ended) || !reflect.DeepEqual(s.Links, []trace.Context{parent}) {
		t.Errorf("the batch is %+v", s)
	}
	if s := spans[1]; s.Trace != own.Trace || s.Context.Span == own.Span || s.Parent != own.Span || s.Kind != trace.Client || s.Name != "DynamoDB.Query" || !s.Failed {
		t.Errorf("the call is %+v", s)
	}
	unwanted := own
	unwanted.Sampled = false
	if spans := r.Spans("projector", stats.Run{Context: unwanted}, rand.Reader); spans != nil {
		t.Errorf("got %+v of a trace that is not sampled", spans)
	}
}

func TestAnInvocationIsToldAsThatManySpansAtMost(t *testing.T) {
	_, r := stats.Begin(t.Context())
	r.Trace(func() time.Time { return ended })
	for range 1000 {
		r.Called("DynamoDB.Query", ended, nil, false)
	}
	if spans := r.Spans("rebuild", stats.Run{Context: own}, rand.Reader); len(spans) != 101 {
		t.Errorf("%d spans", len(spans))
	}
}

func TestWhatSpansNeedCostsNothingWhenThereAreNone(t *testing.T) {
	_, r := stats.Begin(t.Context())
	if n := testing.AllocsPerRun(100, func() {
		if r.Traced() {
			t.Error("there are spans")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
