package payment

import (
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Payment is what the events of a "payment#<id>" stream add up to. It keeps facts, and its
// status follows from them, so that facts may come in any order.
type Payment struct {
	PayerID    string
	Provider   string
	Method     string
	Currency   string
	Reference  string // the provider's id of the payment; "": not known yet
	Amount     int64  // that was asked for, in the currency's minor unit
	Automatic  bool   // it is captured as soon as it is authorized
	Authorized int64
	ExpiresAt  time.Time // of the authorization
	Capturing  Capturing // the capture that is under way; zero: none
	Captured   int64
	Refunds    []Refund
	Declined   string // why; "": it was not
	Canceling  bool   // somebody wants it canceled
	Canceled   bool
	Expired    bool
	Disputed   bool
	Erased     bool // the payer
}

// Capturing is a capture that was requested and is not decided.
type Capturing struct {
	ID     string
	Amount int64
}

// Refund is one refund of a payment.
type Refund struct {
	ID     string
	Amount int64
	Status RefundState
}

// RefundState is what became of a refund.
type RefundState string

// The states of refunds.
const (
	RefundRequested RefundState = "requested"
	RefundDone      RefundState = "refunded"
	RefundFailed    RefundState = "failed" // also of one that was made and came back
)

// The statuses of payments.
const (
	Requested         = "requested"
	Authorized        = "authorized"
	Captured          = "captured"
	PartiallyRefunded = "partially_refunded"
	Refunded          = "refunded"
	Declined          = "declined"
	Canceled          = "canceled"
	Expired           = "expired"
	Disputed          = "disputed"
)

// statuses are what a payment can be.
var statuses = []string{Requested, Authorized, Captured, PartiallyRefunded, Refunded, Declined, Canceled, Expired, Disputed}

// Exists reports whether the payment has been requested.
func (p Payment) Exists() bool { return p.PayerID != "" }

// Status is what the payment is. Money that was taken counts more than any end before that.
func (p Payment) Status() string {
	refunded := p.sum(RefundDone)
	switch {
	case !p.Exists():
		return ""
	case p.Disputed:
		return Disputed
	case p.Captured > 0 && refunded >= p.Captured:
		return Refunded
	case p.Captured > 0 && refunded > 0:
		return PartiallyRefunded
	case p.Captured > 0:
		return Captured
	case p.Declined != "":
		return Declined
	case p.Canceled:
		return Canceled
	case p.Expired:
		return Expired
	case p.Authorized > 0:
		return Authorized
	}
	return Requested
}

// sum adds up the refunds in a state.
func (p Payment) sum(state RefundState) (sum int64) {
	for _, r := range p.Refunds {
		if r.Status == state {
			sum += r.Amount
		}
	}
	return sum
}

// Refundable is how much can still be given back. What was asked for and is not decided counts
// as given.
func (p Payment) Refundable() int64 {
	return p.Captured - p.sum(RefundDone) - p.sum(RefundRequested)
}

// UnderWay reports whether the provider still has something to decide.
func (p Payment) UnderWay() bool {
	switch status := p.Status(); {
	case status == Requested,
		status == Authorized && (p.Automatic || p.Canceling || p.Capturing.ID != ""):
		return true
	}
	return p.sum(RefundRequested) > 0
}

// refund gives one of the refunds.
func (p Payment) refund(id string) (r Refund, ok bool) {
	i := slices.IndexFunc(p.Refunds, func(r Refund) bool { return r.ID == id })
	if i < 0 {
		return r, false
	}
	return p.Refunds[i], true
}

// settle notes what became of a refund. A failure is the last that is heard of one.
func (p Payment) settle(id string, state RefundState) []Refund {
	all := slices.Clone(p.Refunds)
	for i := range all {
		if all[i].ID == id && all[i].Status != RefundFailed {
			all[i].Status = state
		}
	}
	return all
}

// Evolve implements [es.State].
func (p Payment) Evolve(e events.Payment) Payment {
	switch e := e.(type) {
	case events.PaymentRequested:
		p.PayerID, p.Provider, p.Method, p.Currency, p.Amount = e.PayerID, e.Provider, e.Method, e.Currency, e.Amount
		p.Automatic = e.Capture == captureAutomatic
	case events.PaymentAuthorized:
		p.Reference, p.Authorized, p.ExpiresAt = e.Reference, e.Amount, e.ExpiresAt
	case events.PaymentDeclined:
		p.Declined = e.Code
	case events.PaymentCaptureRequested:
		p.Capturing = Capturing{e.CaptureID, e.Amount}
	case events.PaymentCaptured:
		p.Captured, p.Capturing = e.Amount, Capturing{}
	case events.PaymentCaptureFailed:
		p.Capturing = Capturing{}
	case events.PaymentCancelRequested:
		p.Canceling = true
	case events.PaymentCanceled:
		p.Canceled, p.Capturing = true, Capturing{}
	case events.PaymentExpired:
		p.Expired, p.Capturing = true, Capturing{}
	case events.PaymentRefundRequested:
		p.Refunds = append(slices.Clone(p.Refunds), Refund{e.RefundID, e.Amount, RefundRequested})
	case events.PaymentRefunded:
		p.Refunds = p.settle(e.RefundID, RefundDone)
	case events.PaymentRefundFailed:
		p.Refunds = p.settle(e.RefundID, RefundFailed)
	case events.PaymentDisputed:
		p.Disputed = true
	case events.PaymentPayerErased:
		p.Erased = true
	}
	return p
}
