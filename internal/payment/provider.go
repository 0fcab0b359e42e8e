package payment

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Provider carries payments out. The key of a call is the idempotency key: a repeat with the
// same key has no second effect and gives what the first call came to. What the provider
// decides, a refusal included, is in the report. An error means that the outcome is not known,
// and the call is made again with the same key.
type Provider interface {
	// Name is how webhooks and events name the provider.
	Name() string
	// Accepts reports whether a method may be one of the provider's.
	Accepts(method string) bool
	// Authorize reserves an amount and, if the charge says so, captures it.
	Authorize(ctx context.Context, key string, c Charge) (Report, error)
	// Capture takes an amount of what is authorized and releases the rest.
	Capture(ctx context.Context, key string, c Capture) (Report, error)
	// Void releases what is authorized. A payment that is captured stays so, and the report
	// tells that.
	Void(ctx context.Context, key, paymentID, reference string) (Report, error)
	// Refund gives an amount of what was captured back.
	Refund(ctx context.Context, key string, r Repayment) (Report, error)
	// ParseWebhook reads what the provider sends by itself. The error is [ErrSignature] if it
	// does not come from the provider, or not from just now. Names of headers are in lower case.
	ParseWebhook(ctx context.Context, now time.Time, headers map[string]string, body []byte) (Webhook, error)
}

// Charge is what a provider is asked to authorize.
type Charge struct {
	PaymentID string
	Amount    int64 // minor units of the currency
	Currency  string
	Method    string
	Capture   bool // at once
	Late      bool // see [Repayment]
}

// Capture is what a provider is asked to capture.
type Capture struct {
	PaymentID string
	Reference string // the provider's id of the payment
	CaptureID string
	Amount    int64
	Currency  string
}

// Repayment is what a provider is asked to give back.
type Repayment struct {
	PaymentID string
	Reference string
	RefundID  string
	Amount    int64
	Currency  string
	// Late says that this was first asked for so long ago that the provider may have forgotten
	// the key, and has to look for what it did then.
	Late bool
}

// Report is how a payment stands at its provider, as of some moment: an old report may come
// after a newer one. It says only what is for good, so that reports can be put together in any
// order.
type Report struct {
	Reference     string
	Authorized    int64  // 0: not, or not known
	Captured      int64  // 0: not, or not known
	Declined      string // why; "": it was not
	Released      bool   // nothing is authorized any more, and nothing was captured
	Expired       bool   // Released, and because it took too long
	Disputed      bool
	Refunds       []RefundReport
	CaptureFailed CaptureFailure
}

// RefundReport is a refund that the provider has decided about.
type RefundReport struct {
	ID     string // ours
	Amount int64
	Failed string // why; "": it was made
}

// CaptureFailure is a capture that had no effect; the zero value is none.
type CaptureFailure struct{ CaptureID, Code string }

// Webhook is what a provider tells by itself.
type Webhook struct {
	ID        string // the provider's, the same whenever it sends the same
	PaymentID string // ours; "": it is about none of our payments
	Report    Report
}

// ErrSignature refuses a webhook that is not signed as it has to be, or was signed too long ago.
var ErrSignature = &es.Error{Kind: es.Malformed, Code: "bad-signature", Message: "The signature does not fit this body, or is too old."}
