package trust_test

import (
	"context"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// observation is one request: what was asked and told, and what went on meanwhile.
type observation struct {
	writer, world int
	in            input
	out           output
	call, ret     time.Time
	effect        effect
	saw           es.Version // up to which the account has been read last; 0: unknown
}

// stored reports whether this very request has stored something.
func (o *observation) stored() bool { return !o.effect.from.IsZero() }

// acknowledged reports whether a command was said to have been carried out.
func (o *observation) acknowledged() bool {
	return !o.in.Read && !o.out.Unknown && !o.out.Failed && o.out.Refusal == nil
}

type observationKey struct{}

// observing lets the wire and the store take down what they do for a request.
func observing(ctx context.Context, o *observation) context.Context {
	return context.WithValue(ctx, observationKey{}, o)
}

// effect is when the database stored something. It is to be read when no request is on its
// way any more.
type effect struct {
	mu       sync.Mutex
	from, to time.Time // zero: it stored nothing
}

// include takes down one more reply that says so: the same transaction may be acknowledged
// again.
func (e *effect) include(from, to time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.from.IsZero() || from.Before(e.from) {
		e.from = from
	}
	e.to = to
}
