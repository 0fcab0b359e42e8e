package app

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/metrics"
	"github.com/interview-sandbox/annals/internal/otlp"
	"github.com/interview-sandbox/annals/internal/stats"
)

// Counted is a handler that counts what its invocations do, and tells it: a line in the log
// for each, and spans if they are exported.
type Counted struct {
	lambda.Handler
	recorder *stats.Recorder
	exporter *otlp.Exporter // nil: there are no spans
	service  string         // what they are of
	now      func() time.Time
	rand     io.Reader
	log      *slog.Logger
	metadata bool // lines make metrics
	quiet    bool // no line unless something failed: the request that this is for has one
	warm     atomic.Bool
}

func (s system) counted(function string, h lambda.Handler) *Counted {
	return &Counted{
		Handler:  h,
		recorder: &stats.Recorder{Store: s.stats(), Function: function, Now: s.Now},
		exporter: s.Exporter,
		service:  s.Prefix + "-" + function,
		now:      s.Now,
		rand:     s.Rand,
		log:      s.Log.With(metrics.System, s.Prefix, metrics.Function, function),
		metadata: s.Metrics,
	}
}

const (
	// storing is how long an invocation may take for its numbers, at most.
	storing = time.Second
	// exporting is how long it may take for its spans.
	exporting = 500 * time.Millisecond
)

// Invoke implements [lambda.Handler]. The numbers are stored and the spans sent before it
// returns, because after that Lambda stops the process until the next invocation; that they
// could not be is nothing to fail for: the numbers are tried again the next time, the spans
// are lost.
func (c *Counted) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	run := stats.Run{Begun: c.now(), Cold: !c.warm.Swap(true)}
	counted, record := stats.Begin(ctx)
	if c.exporter != nil {
		record.Trace(c.now)
	}
	out, err := c.Handler.Invoke(counted, payload)
	if err != nil {
		record.Failed("", err)
	}
	c.recorder.Add(record, run.Begun)
	run.Ended, run.Context = c.now(), record.Context(c.rand)
	if !c.quiet || record.Faulty() {
		record.Log(ctx, c.log, run, c.metadata)
	}
	if end, ok := ctx.Deadline(); ok && end.Sub(c.now()) < 2*storing {
		return out, err // the answer comes first
	}
	c.export(ctx, record, run)
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	if err := c.recorder.StoreDue(ctx); err != nil {
		c.log.LogAttrs(ctx, slog.LevelWarn, "numbers are not stored yet", slog.String("error", err.Error()))
	}
	return out, err
}

func (c *Counted) export(ctx context.Context, record *stats.Record, run stats.Run) {
	if c.exporter == nil {
		return
	}
	spans := record.Spans(c.recorder.Function, run, c.rand)
	if len(spans) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, exporting)
	defer cancel()
	if err := c.exporter.Export(ctx, c.service, spans); err != nil {
		c.log.LogAttrs(ctx, slog.LevelWarn, "spans are lost", slog.String("error", err.Error()))
	}
}

// StoreStats stores what has been counted and not stored yet.
func (c *Counted) StoreStats(ctx context.Context) error { return c.recorder.StoreAll(ctx) }
