package projection

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Parked is a stream that a view or a reactor cannot follow beyond some version, or a
// deadline that a reactor cannot answer. Other streams of the view, and other views of the
// stream, go on.
type Parked struct {
	View       string // or the reactor
	Generation int
	Stream     es.Stream  // "deadline#<id>" for a deadline
	Version    es.Version // that cannot be projected
	Error      string
	Attempts   int
	FirstAt    time.Time
	LastAt     time.Time
}

// ParkedStore keeps what is parked.
type ParkedStore interface {
	// Park notes a failed attempt; FirstAt and Attempts go on from what is there. A note at a
	// higher version stays as it is: a row that has come there has got past this one.
	Park(ctx context.Context, p Parked) error
	// Unpark forgets a stream, if it is there and parked at a version up to through.
	Unpark(ctx context.Context, view string, generation int, s es.Stream, through es.Version) error
	// ListParked gives a page of what is parked, in a fixed order, from after on; next is "" at
	// the end.
	ListParked(ctx context.Context, after string, limit int) (page []Parked, next string, err error)
}

// StillParked gives a page of what is parked for generations that have not been given up, as
// ListParked does; it may have fewer than limit.
func (p *Projector) StillParked(ctx context.Context, after string, limit int) (page []Parked, next string, err error) {
	all, err := p.loadGenerations(ctx)
	if err != nil {
		return nil, "", err
	}
	page, next, err = p.Parked.ListParked(ctx, after, limit)
	page = slices.DeleteFunc(page, func(e Parked) bool { return of(all, e.View).Dropped(e.Generation) })
	return page, next, err
}

// deterministic tells an error that will come again however often the same code meets the
// same event, from one that may pass; and at which version it came.
func deterministic(err error, otherwise es.Version) (es.Version, bool) {
	var (
		refused  *RefusedError
		damaged  *es.DamagedError
		panicked *PanicError
		unread   *es.UnreadableError
		unknown  *events.UnknownTypeError
	)
	switch {
	case errors.As(err, &refused):
		return refused.Version, true
	case errors.As(err, &damaged):
		return damaged.Version, true
	case errors.As(err, &panicked):
		return panicked.Version, true
	case errors.As(err, &unread):
		return unread.Version, true
	case errors.As(err, &unknown), errors.Is(err, es.ErrTooLarge), errors.Is(err, ErrUnfit), errors.Is(err, ErrShape):
		return otherwise, true
	}
	return 0, false
}
