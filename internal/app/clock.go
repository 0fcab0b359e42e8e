package app

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/stats"
)

// inHand is how much of its time a run of the clock leaves for what it has begun with.
const inHand = 10 * time.Second

// Clock builds functions/clock, which answers deadlines that are due and tells how much is
// parked.
func Clock(objects Objects, mailer Mailer) Build {
	return func(ctx context.Context, c Config) (*Counted, error) {
		s := newSystem(c)
		p, err := s.reactors(ctx, objects, mailer)
		if err != nil {
			return nil, err
		}
		clock, parked := &projection.Clock{Projector: p}, s.parked()
		return s.counted("clock", handler[events.EventBridgeEvent, struct{}](func(ctx context.Context, _ events.EventBridgeEvent) (none struct{}, err error) {
			if n, err := parked.Count(ctx); err != nil {
				stats.From(ctx).Failed("", err)
			} else {
				stats.From(ctx).Parked(n)
			}
			end, _ := ctx.Deadline()
			_, err = clock.Tick(ctx, end.Add(-inHand))
			return none, err
		})), nil
	}
}
