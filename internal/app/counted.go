package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/interview-sandbox/annals/internal/stats"
)

// Counted is a handler that counts what its invocations do.
type Counted struct {
	lambda.Handler
	recorder *stats.Recorder
	now      func() time.Time
	log      *slog.Logger
}

func (s system) counted(function string, h lambda.Handler) *Counted {
	return &Counted{h, &stats.Recorder{Store: s.stats(), Function: function, Now: s.Now}, s.Now, s.Log}
}

// storing is how long an invocation may take for its numbers, at most.
const storing = time.Second

// Invoke implements [lambda.Handler]. The numbers are stored before it returns, because
// after that Lambda stops the process until the next invocation; that they could not be is
// nothing to fail for, since the next time they are tried again.
func (c *Counted) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	begun := c.now()
	counted, record := stats.Begin(ctx)
	out, err := c.Handler.Invoke(counted, payload)
	c.recorder.Add(record, begun)
	if end, ok := ctx.Deadline(); ok && end.Sub(c.now()) < 2*storing {
		return out, err // the answer comes first
	}
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	if err := c.recorder.StoreDue(ctx); err != nil {
		c.log.LogAttrs(ctx, slog.LevelWarn, "numbers are not stored yet", slog.String("error", err.Error()))
	}
	return out, err
}

// StoreStats stores what has been counted and not stored yet.
func (c *Counted) StoreStats(ctx context.Context) error { return c.recorder.StoreAll(ctx) }
