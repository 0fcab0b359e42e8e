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
		return m.ask(id, authorize{Charge{PaymentID: id, Amount: e.Amount, Currency: e.Currency, Method: e.Method, Capture: e.Capture == captureAutomatic}})
	case events.PaymentAuthorized:
		if e.Unwanted {
			return m.ask(id, void{id, e.Reference})
		}
		return []projection.Reaction{{Deadline: &projection.Deadline{Name: expiry, At: e.ExpiresAt}}}
	case events.PaymentCaptureRequested:
		return m.ask(id, capture{Capture{PaymentID: id, Reference: e.Reference, CaptureID: e.CaptureID, Amount: e.Amount, Currency: e.Currency}})
	case events.PaymentCancelRequested:
		if e.Reference != "" {
			return m.ask(id, void{id, e.Reference})
		}
	case events.PaymentExpired:
		return m.ask(id, void{id, e.Reference})
	case events.PaymentRefundRequested:
		return m.ask(id, repay{Repayment{PaymentID: id, Reference: e.Reference, RefundID: e.RefundID, Amount: e.Amount, Currency: e.Currency}})
	}
	return nil
}

// question is one call of the provider.
type question interface {
	of(ctx context.Context, p Provider, key string) (Report, error)
}

type (
	authorize struct{ Charge }
	capture   struct{ Capture }
	void      struct{ paymentID, reference string }
	repay     struct{ Repayment }
)

func (q authorize) of(ctx context.Context, p Provider, key string) (Report, error) {
	return p.Authorize(ctx, key, q.Charge)
}

func (q capture) of(ctx context.Context, p Provider, key string) (Report, error) {
	return p.Capture(ctx, key, q.Capture)
}

func (q void) of(ctx context.Context, p Provider, key string) (Report, error) {
	return p.Void(ctx, key, q.paymentID, q.reference)
}

func (q repay) of(ctx context.Context, p Provider, key string) (Report, error) {
	return p.Refund(ctx, key, q.Repayment)
}

// call is the effect of asking the provider; what it reports is recorded.
type call struct {
	provider  Provider
	paymentID string
	question
}

func (m *Module) ask(paymentID string, q question) []projection.Reaction {
	return []projection.Reaction{{Effect: call{m.Provider, paymentID, q}}}
}

// Perform implements [projection.Effect]. Somebody waits at the till, so what fails in passing
// is tried once more at once, before it is left to the clock.
func (c call) Perform(ctx context.Context, key string) ([]projection.Reaction, error) {
	report, err := c.of(ctx, c.provider, key)
	if err != nil {
		if report, err = c.of(ctx, c.provider, key); err != nil {
			return nil, err
		}
	}
	return []projection.Reaction{{Command: payments.On(c.paymentID, Record{c.paymentID, c.provider.Name(), report})}}, nil
}
