package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/projection"
)

// inHand is how much of its time a run of the clock leaves for what it has begun with.
const inHand = 10 * time.Second

// Clock builds functions/clock, which answers deadlines that are due.
func Clock(objects Objects, mailer Mailer) Build {
	return func(ctx context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		p, err := s.reactors(ctx, objects, mailer)
		if err != nil {
			return nil, err
		}
		clock := &projection.Clock{Projector: p}
		return s.counted("clock", handler[events.EventBridgeEvent, struct{}](func(ctx context.Context, _ events.EventBridgeEvent) (none struct{}, err error) {
			end, _ := ctx.Deadline()
			answered, err := clock.Tick(ctx, end.Add(-inHand))
			if answered > 0 {
				s.Log.LogAttrs(ctx, slog.LevelInfo, "deadlines answered", slog.Int("deadlines", answered))
			}
			if err != nil {
				s.Log.LogAttrs(ctx, slog.LevelError, "deadlines failed", slog.String("error", err.Error()))
			}
			return none, err
		})), nil
	}
}
