package payment

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// authorizationLife is how long an authorization lasts, as most cards have it.
const authorizationLife = 7 * 24 * time.Hour

// Record records what the provider reports of a payment, whether as its answer or by a
// webhook. What is known already changes nothing, and so does a report about a payment that
// there is not.
type Record struct {
	PaymentID string
	Provider  string
	Report    Report
}

// ErrImpossible refuses a report that contradicts what was asked for: more money was moved.
var ErrImpossible = &es.Error{Kind: es.Conflict, Code: "impossible-report", Message: "The provider reports more than it was asked for."}

// Decide implements [es.Command].
func (c Record) Decide(p Payment, now time.Time) (decided []events.Payment, err error) {
	r := c.Report
	if !p.Exists() || p.Provider != c.Provider {
		return nil, nil
	}
	if r.exceeds(p) {
		return nil, ErrImpossible
	}
	happens := func(e events.Payment) {
		decided = append(decided, e)
		p = p.Evolve(e)
	}
	if authorized := max(r.Authorized, r.Captured); authorized > 0 && p.Authorized == 0 {
		happens(events.PaymentAuthorized{
			PayerID: p.PayerID, Reference: r.Reference, Amount: authorized, ExpiresAt: now.Add(authorizationLife),
			Unwanted: p.Canceling && r.Captured == 0 && !r.Released,
		})
	}
	switch {
	case r.Captured > 0 && p.Captured == 0:
		happens(events.PaymentCaptured{PayerID: p.PayerID, Amount: r.Captured, Currency: p.Currency})
		if p.Canceling { // too late, so the payer gets it back
			happens(events.PaymentRefundRequested{RefundID: es.DeriveID("cancel", c.PaymentID), Reference: p.Reference, Amount: r.Captured, Currency: p.Currency})
		}
	case p.Captured > 0:
	case r.Declined != "" && p.Declined == "":
		happens(events.PaymentDeclined{PayerID: p.PayerID, Amount: p.Amount, Currency: p.Currency, Code: r.Declined})
	case r.CaptureFailed.CaptureID != "" && r.CaptureFailed.CaptureID == p.Capturing.ID:
		happens(events.PaymentCaptureFailed{CaptureID: p.Capturing.ID, Code: r.CaptureFailed.Code})
	}
	if r.Released && p.Captured == 0 && p.Declined == "" && !p.Canceled && !p.Expired {
		if r.Expired {
			happens(events.PaymentExpired{PayerID: p.PayerID, Reference: r.Reference})
		} else {
			happens(events.PaymentCanceled{PayerID: p.PayerID})
		}
	}
	for _, refund := range r.Refunds {
		switch known, _ := p.refund(refund.ID); {
		case refund.Failed != "" && (known.Status == RefundRequested || known.Status == RefundDone):
			happens(events.PaymentRefundFailed{RefundID: refund.ID, Code: refund.Failed})
		case refund.Failed == "" && known.Status == RefundRequested:
			happens(events.PaymentRefunded{PayerID: p.PayerID, RefundID: refund.ID, Amount: known.Amount, Currency: p.Currency})
		}
	}
	if r.Disputed && !p.Disputed {
		happens(events.PaymentDisputed{PayerID: p.PayerID})
	}
	return decided, nil
}

// exceeds reports whether more is said to have happened than was asked for.
func (r Report) exceeds(p Payment) bool {
	authorized := p.Amount
	if p.Authorized > 0 {
		authorized = p.Authorized
	}
	if r.Authorized > p.Amount || r.Captured > authorized {
		return true
	}
	for _, refund := range r.Refunds {
		if known, ok := p.refund(refund.ID); ok && refund.Failed == "" && refund.Amount != known.Amount {
			return true
		}
	}
	return false
}
