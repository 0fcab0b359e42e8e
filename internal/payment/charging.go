package payment

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// expiry is the deadline of an authorization, and lookAgain how long after it one is looked at
// again that could not end because something was under way.
const (
	expiry    = "expire"
	lookAgain = time.Hour
)

// charging has the provider do what payments ask for, and ends authorizations in time.
func (m *Module) charging() *projection.Reactor[Payment] {
	since := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	return &projection.Reactor[Payment]{
		Name:     "charging",
		Category: category,
		Triggers: []projection.Trigger{
			{Event: events.PaymentRequested{}, Since: since},
			{Event: events.PaymentAuthorized{}, Since: since},
			{Event: events.PaymentCaptureRequested{}, Since: since},
			{Event: events.PaymentCancelRequested{}, Since: since},
			{Event: events.PaymentExpired{}, Since: since},
			{Event: events.PaymentRefundRequested{}, Since: since},
		},
		React: m.react,
		Apply: apply,
		Due: func(d projection.Deadline, p Payment) []projection.Reaction {
			if p.Status() != Authorized {
				return nil
			}
			return []projection.Reaction{
				{Command: payments.On(d.Stream.ID(), Expire{})},
				{Deadline: &projection.Deadline{Name: expiry, At: d.At.Add(lookAgain)}},
			}
		},
	}
}

func (m *Module) react(recorded es.Recorded) []projection.Reaction {
	id := recorded.Stream.ID()
	switch e := recorded.Event.(type) {
	case events.PaymentRequested:
		return m.ask(recorded, authorize{Charge{PaymentID: id, Amount: e.Amount, Currency: e.Currency, Method: e.Method, Capture: e.Capture == captureAutomatic}})
	case events.PaymentAuthorized:
		if e.Unwanted {
			return m.ask(recorded, void{id, e.Reference})
		}
		return []projection.Reaction{{Deadline: &projection.Deadline{Name: expiry, At: e.ExpiresAt}}}
	case events.PaymentCaptureRequested:
		return m.ask(recorded, capture{Capture{PaymentID: id, Reference: e.Reference, CaptureID: e.CaptureID, Amount: e.Amount, Currency: e.Currency}})
	case events.PaymentCancelRequested:
		if e.Reference != "" {
			return m.ask(recorded, void{id, e.Reference})
		}
	case events.PaymentExpired:
		return m.ask(recorded, void{id, e.Reference})
	case events.PaymentRefundRequested:
		return m.ask(recorded, repay{Repayment{PaymentID: id, Reference: e.Reference, RefundID: e.RefundID, Amount: e.Amount, Currency: e.Currency}})
	}
	return nil
}

// question is one call of the provider, which may have been made before, also long ago.
type question interface {
	of(ctx context.Context, p Provider, key string, late bool) (Report, error)
	// open reports whether it is not decided yet.
	open(p Payment) bool
}

type (
	authorize struct{ Charge }
	capture   struct{ Capture }
	void      struct{ paymentID, reference string }
	repay     struct{ Repayment }
)

func (q authorize) of(ctx context.Context, p Provider, key string, late bool) (Report, error) {
	q.Late = late
	return p.Authorize(ctx, key, q.Charge)
}

func (q capture) of(ctx context.Context, p Provider, key string, _ bool) (Report, error) {
	return p.Capture(ctx, key, q.Capture)
}

func (q void) of(ctx context.Context, p Provider, key string, _ bool) (Report, error) {
	return p.Void(ctx, key, q.paymentID, q.reference)
}

func (q repay) of(ctx context.Context, p Provider, key string, late bool) (Report, error) {
	q.Late = late
	return p.Refund(ctx, key, q.Repayment)
}

func (q authorize) open(p Payment) bool {
	return p.Status() == Requested || q.Capture && p.Status() == Authorized
}

func (q capture) open(p Payment) bool { return p.Capturing.ID == q.CaptureID }

func (void) open(p Payment) bool { return !p.Canceled && p.Captured == 0 }

func (q repay) open(p Payment) bool {
	r, ok := p.refund(q.RefundID)
	return ok && r.Status == RefundRequested
}

// call is the effect of asking the provider; what it reports is recorded.
type call struct {
	m         *Module
	paymentID string
	since     time.Time // when it was asked for
	question
}

func (m *Module) ask(e es.Recorded, q question) []projection.Reaction {
	return []projection.Reaction{{Effect: call{m, e.Stream.ID(), e.At, q}}}
}

// keyLife is for how long a provider remembers an idempotency key, with some time in hand:
// Stripe does for 24 hours. An operator may have a call repeated later than that.
const keyLife = 20 * time.Hour

// Perform implements [projection.Effect]. Somebody waits at the till, so what fails in passing
// is tried once more at once, before it is left to the clock. What comes late, because an
// operator has it repeated or the stream tells of it again, may be decided long since: a
// provider that has forgotten the key would do it once more.
func (c call) Perform(ctx context.Context, key string) ([]projection.Reaction, error) {
	p, late := c.m.Provider, c.m.Now().Sub(c.since) >= keyLife
	if late {
		state, _, err := c.m.foldAt(ctx, c.paymentID, es.Moment{})
		if err != nil || !c.open(state) {
			return nil, err
		}
	}
	report, err := c.of(ctx, p, key, late)
	if err != nil {
		if report, err = c.of(ctx, p, key, late); err != nil {
			return nil, err
		}
	}
	return []projection.Reaction{{Command: payments.On(c.paymentID, Record{c.paymentID, p.Name(), report})}}, nil
}
