package stats

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/internal/metrics"
	"github.com/interview-sandbox/annals/internal/trace"
)

// Run is when an invocation ran, where and how.
type Run struct {
	Begun, Ended time.Time
	Cold         bool // it was the first one of its instance
	Context      trace.Context
}

// Log writes the one line of an invocation. Members that are metrics have their names, and if
// metadata is set CloudWatch makes metrics of them. What is zero is left out. The level is
// Error if anything went wrong on our side. Nothing in it tells anything about a person: a
// request shows by its route, not by its path, and streams by ids.
func (r *Record) Log(ctx context.Context, log *slog.Logger, run Run, metadata bool) {
	r.note(func() {
		l := line{attrs: make([]slog.Attr, 0, 32)}
		message, level := "batch", slog.LevelInfo
		if r.isRequest() {
			message = "query"
			if r.command {
				message = "command"
			}
			r.sayRequest(&l)
		} else {
			r.sayBatch(&l)
		}
		l.text("traceId", run.Context.Trace.String())
		l.text("spanId", run.Context.Span.String())
		if r.commits > 0 {
			l.text("stream", r.stored.Stream)
		}
		l.number("version", int(cmp.Or(r.version, r.stored.Version)))
		l.number("commits", r.commits)
		l.number("retries", r.cost.Retries)
		l.number("roundTrips", r.cost.RoundTrips)
		if run.Cold {
			l.attrs = append(l.attrs, slog.Bool("coldStart", true))
		}
		r.measure(&l, run.Ended.Sub(run.Begun))
		if len(r.failures) > 0 {
			level = slog.LevelError
			l.attrs = append(l.attrs, slog.Any("failures", r.failures))
		}
		if metadata {
			l.attrs = append(l.attrs, slog.Any(metrics.Key, metrics.Of(run.Ended, l.metrics)))
		}
		log.LogAttrs(ctx, level, message, l.attrs...)
	})
}

func (r *Record) isRequest() bool { return r.status != 0 }

func (r *Record) sayRequest(l *line) {
	l.text("route", r.request.Route)
	l.number("status", r.status)
	l.text("problem", r.problem)
	l.text("requestId", r.request.ID)
	l.text("correlationId", r.request.CorrelationID)
	l.text("commandId", r.commandID)
}

func (r *Record) sayBatch(l *line) {
	l.number("items", r.items)
	if r.items == 0 {
		l.text("correlationId", r.stored.CorrelationID)
		l.text("commandId", r.stored.CommandID)
		return
	}
	var correlations, traces []string
	for _, c := range r.causes {
		if !slices.Contains(correlations, c.CorrelationID) {
			correlations = append(correlations, c.CorrelationID)
		}
		if id := c.Context.Trace.String(); c.Context != (trace.Context{}) && !slices.Contains(traces, id) {
			traces = append(traces, id)
		}
	}
	l.texts("correlationIds", correlations)
	l.texts("traceIds", traces)
}

// measure says what the metrics are.
func (r *Record) measure(l *line, took time.Duration) {
	count := func(m metrics.Metric, n float64) {
		if n != 0 {
			l.measured(m, n)
		}
	}
	truth := func(b bool) float64 {
		if b {
			return 1
		}
		return 0
	}
	count(metrics.Commands, truth(r.isRequest() && r.command))
	count(metrics.Conflicts, float64(r.conflicts))
	count(metrics.Replays, truth(r.replay))
	count(metrics.Refusals, truth(r.status >= 400 && r.status < 500))
	faults := float64(r.failed)
	if r.isRequest() {
		faults = truth(r.status >= 500)
	}
	count(metrics.Faults, faults)
	count(metrics.Events, float64(r.events))
	count(metrics.ReadUnits, r.cost.ReadUnits)
	count(metrics.WriteUnits, r.cost.WriteUnits)
	l.measured(metrics.Latency, milliseconds(took))
	count(metrics.Lag, milliseconds(r.longestLag()))
	if r.parked != nil {
		l.measured(metrics.Parked, float64(*r.parked))
	}
}

func (r *Record) longestLag() (longest time.Duration) {
	for _, all := range r.lags {
		longest = max(longest, slices.Max(all))
	}
	return longest
}

// milliseconds keeps three digits behind the point.
func milliseconds(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

// line is a line of the log as it grows.
type line struct {
	attrs   []slog.Attr
	metrics []metrics.Metric
}

func (l *line) text(name, s string) {
	if s != "" {
		l.attrs = append(l.attrs, slog.String(name, s))
	}
}

func (l *line) texts(name string, all []string) {
	if len(all) > 0 {
		l.attrs = append(l.attrs, slog.Any(name, all))
	}
}

func (l *line) number(name string, n int) {
	if n != 0 {
		l.attrs = append(l.attrs, slog.Int(name, n))
	}
}

func (l *line) measured(m metrics.Metric, n float64) {
	l.attrs = append(l.attrs, slog.Float64(m.Name, n))
	l.metrics = append(l.metrics, m)
}
