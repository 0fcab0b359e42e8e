package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/metrics/metricstest"
	"github.com/interview-sandbox/annals/internal/otlp"
	"github.com/interview-sandbox/annals/internal/otlp/otlptest"
	"github.com/interview-sandbox/annals/internal/stats"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
	"github.com/interview-sandbox/annals/internal/trace"
)

func TestAnInvocationIsAnsweredThoughItsNumbersCannotBeStored(t *testing.T) {
	var log bytes.Buffer
	store, now := new(statstest.Memory), func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	broken := errors.New("broken")
	c := &Counted{
		Handler: handler[int, int](func(ctx context.Context, n int) (int, error) {
			stats.From(ctx).Answered(true, 200, false)
			if n == 2 {
				return 0, broken
			}
			return n, nil
		}),
		recorder: &stats.Recorder{Store: store, Function: "f", Now: now},
		now:      now, rand: rand.Reader, log: slog.New(slog.NewJSONHandler(&log, nil)),
	}
	store.Fail(true)
	if out, err := c.Invoke(t.Context(), []byte("1")); string(out) != "1" || err != nil {
		t.Errorf("got %s, error %v", out, err)
	}
	if !strings.Contains(log.String(), statstest.ErrInjected.Error()) {
		t.Errorf("the log is %s", &log)
	}
	if _, err := c.Invoke(t.Context(), []byte("2")); err != broken {
		t.Errorf("got error %v", err)
	}
	store.Fail(false)
	if err := c.StoreStats(t.Context()); err != nil {
		t.Fatal(err)
	}
	sum, err := (&stats.Reader{Store: store, Functions: []string{"f"}}).Summary(t.Context(), now(), now())
	if err != nil || sum.Commands != 2 {
		t.Errorf("%+v, error %v", sum, err)
	}
}

func TestAnAnswerAtTheLastMomentDoesNotWaitForItsNumbers(t *testing.T) {
	store := new(statstest.Memory)
	c := &Counted{
		Handler: handler[int, int](func(ctx context.Context, n int) (int, error) {
			stats.From(ctx).Answered(true, 200, false)
			return n, nil
		}),
		recorder: &stats.Recorder{Store: store, Function: "f", Now: time.Now}, now: time.Now, rand: rand.Reader, log: slog.New(slog.DiscardHandler),
	}
	for want, left := range []time.Duration{storing, time.Minute} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		if out, err := c.Invoke(ctx, []byte("1")); string(out) != "1" || err != nil || store.Adds() != want {
			t.Errorf("with %v left: got %s, error %v, stored %d times", left, out, err, store.Adds())
		}
	}
}

// observed is a handler that answers commands, whose callers want to have spans, with what it is
// asked for, and its log.
func observed(exporter *otlp.Exporter) (*Counted, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return &Counted{
		Handler: handler[int, int](func(ctx context.Context, n int) (int, error) {
			record := stats.From(ctx)
			record.Asked(stats.Request{Route: "POST /things", Context: trace.Begin(trace.Context{}, true, rand.Reader)})
			record.Answered(true, n, false)
			if n == 500 {
				record.Failed("", errors.New("broken"))
			}
			return n, nil
		}),
		recorder: &stats.Recorder{Store: new(statstest.Memory), Function: "f", Now: time.Now},
		exporter: exporter, service: "annals-f", now: time.Now, rand: rand.Reader,
		log: slog.New(slog.NewJSONHandler(log, nil)),
	}, log
}

func invoke(t *testing.T, c *Counted, status string) {
	t.Helper()
	if out, err := c.Invoke(t.Context(), []byte(status)); string(out) != status || err != nil {
		t.Errorf("got %s, error %v", out, err)
	}
}

func TestAnInvocationHasOneLineAndTheFirstOneSaysThatItWas(t *testing.T) {
	c, log := observed(nil)
	for _, status := range []string{"200", "200", "500"} {
		invoke(t, c, status)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 || strings.Count(log.String(), "coldStart") != 1 || !strings.Contains(lines[0], "coldStart") || strings.Contains(log.String(), "_aws") {
		t.Errorf("three invocations are logged as\n%s", log)
	}
}

func TestInLambdaALineIsMetricsOfItsFunctionAndSpansAreExportedIfAVariableSaysSo(t *testing.T) {
	t.Setenv("ANNALS_PREFIX", "annals")
	for _, endpoint := range []string{"", "http://127.0.0.1:4318"} {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
		config, err := fromEnvironment()
		if err != nil || (config.Exporter != nil) != (endpoint != "") {
			t.Fatalf("with the endpoint %q there is the exporter %v, error %v", endpoint, config.Exporter, err)
		}
		var log bytes.Buffer
		config.Log, config.Exporter = slog.New(slog.NewJSONHandler(&log, nil)), nil
		c := newSystem(config).counted("f", handler[int, int](func(ctx context.Context, n int) (int, error) {
			stats.From(ctx).Answered(true, 200, false)
			return n, nil
		}))
		c.recorder.Store = new(statstest.Memory)
		invoke(t, c, "200")
		found, err := metricstest.Read(log.Bytes())
		if f := found["Commands"]; err != nil || f.Value != 1 || f.Namespace != "Annals" || !slices.Equal(f.Dimensions, []string{"System", "Function"}) {
			t.Errorf("CloudWatch finds %+v, error %v, in %s", found, err, &log)
		}
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere")
	if _, err := fromEnvironment(); err == nil {
		t.Error("an endpoint that is no URL is taken")
	}
}

func TestAQuietFunctionTellsOfFaultsAlone(t *testing.T) {
	c, log := observed(nil)
	c.quiet = true
	if invoke(t, c, "200"); log.Len() > 0 {
		t.Errorf("it tells %s", log)
	}
	if invoke(t, c, "500"); !strings.Contains(log.String(), "broken") {
		t.Errorf("it tells %s", log)
	}
}

func TestAnInvocationIsAnsweredWhateverBecomesOfItsSpans(t *testing.T) {
	collector := otlptest.Start(t)
	exporter, err := otlp.New(otlp.Settings{Endpoint: collector.URL})
	if err != nil {
		t.Fatal(err)
	}
	c, log := observed(exporter)
	invoke(t, c, "200")
	if spans := collector.Spans(); len(spans) != 1 || spans[0].Service != "annals-f" || spans[0].Attribute("faas.coldstart") != "true" || strings.Contains(log.String(), "lost") {
		t.Errorf("got the spans %+v and the log %s", spans, log)
	}
	collector.Answer(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	begun := time.Now()
	invoke(t, c, "200")
	if took := time.Since(begun); took < exporting || took > 10*exporting {
		t.Errorf("a collector that does not answer has an invocation take %v", took)
	}
	if !strings.Contains(log.String(), `"level":"WARN","msg":"spans are lost"`) {
		t.Errorf("the log is %s", log)
	}
	ctx, cancel := context.WithTimeout(t.Context(), storing)
	defer cancel()
	if out, err := c.Invoke(ctx, []byte("200")); string(out) != "200" || err != nil || len(collector.Spans()) != 2 {
		t.Errorf("with no time left: got %s, error %v, and %d spans", out, err, len(collector.Spans()))
	}
}

// bare is an invocation with its numbers and its line, and nothing that spans need.
func bare(ctx context.Context, c *Counted, payload []byte) ([]byte, error) {
	run := stats.Run{Begun: c.now(), Cold: !c.warm.Swap(true)}
	counted, record := stats.Begin(ctx)
	out, err := c.Handler.Invoke(counted, payload)
	c.recorder.Add(record, run.Begun)
	run.Ended, run.Context = c.now(), record.Context(c.rand)
	record.Log(ctx, c.log, run, c.metadata)
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	return out, errors.Join(err, c.recorder.StoreDue(ctx))
}

func TestWithoutAnExporterSpansCostNoAllocations(t *testing.T) {
	ctx, payload := context.Background(), []byte("200")
	allocations := func(invoke func(context.Context, *Counted, []byte) ([]byte, error)) float64 {
		c, _ := observed(nil)
		c.log = slog.New(slog.NewJSONHandler(io.Discard, nil))
		const many = 100
		return testing.AllocsPerRun(20, func() {
			for range many {
				if _, err := invoke(ctx, c, payload); err != nil {
					t.Error(err)
				}
			}
		}) / many
	}
	with := allocations(func(ctx context.Context, c *Counted, payload []byte) ([]byte, error) { return c.Invoke(ctx, payload) })
	// Under the race detector, a sync.Pool forgets some of what it is given, at random.
	if without := allocations(bare); with-without >= 0.5 {
		t.Errorf("%v allocations, %v without what spans need", with, without)
	}
}

func BenchmarkInvocation(b *testing.B) {
	collector := otlptest.Start(b)
	exporter, err := otlp.New(otlp.Settings{Endpoint: collector.URL})
	if err != nil {
		b.Fatal(err)
	}
	invoke := func(ctx context.Context, c *Counted, payload []byte) ([]byte, error) { return c.Invoke(ctx, payload) }
	for _, by := range []struct {
		name     string
		exporter *otlp.Exporter
		invoke   func(context.Context, *Counted, []byte) ([]byte, error)
	}{{"bare", nil, bare}, {"without an exporter", nil, invoke}, {"with an exporter", exporter, invoke}} {
		b.Run(by.name, func(b *testing.B) {
			c, _ := observed(by.exporter)
			c.log = slog.New(slog.NewJSONHandler(io.Discard, nil))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := by.invoke(b.Context(), c, []byte("200")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
