package events

import "time"

// Payment is an event on a stream "payment#<id>": what was wished of one payment, and what its
// provider made of that. Amounts are in the currency's minor unit.
type Payment interface {
	Event
	payment()
}

var paymentEvents = []definition{
	current[PaymentRequested](),
	current[PaymentAuthorized](),
	current[PaymentDeclined](),
	current[PaymentCaptureRequested](),
	current[PaymentCaptured](),
	current[PaymentCaptureFailed](),
	current[PaymentCancelRequested](),
	current[PaymentCanceled](),
	current[PaymentExpired](),
	current[PaymentRefundRequested](),
	current[PaymentRefundReasonGiven](),
	current[PaymentRefunded](),
	current[PaymentRefundFailed](),
	current[PaymentDisputed](),
	current[PaymentPayerErased](),
}

// PaymentRequested asks for an amount to be authorized, and with capture "automatic" to be
// captured as well.
type PaymentRequested struct {
	PayerID     string `json:"payerId" data:"subject"`
	Amount      int64  `json:"amount"`
	Currency    string `json:"currency"` // ISO 4217
	Method      string `json:"method"`   // as the provider names it
	Capture     string `json:"capture"`  // "automatic", "manual"
	Provider    string `json:"provider"` // "stripe", "sandbox"
	Description string `json:"description" data:"personal"`
}

// PaymentAuthorized tells that the provider has reserved the amount until it expires.
type PaymentAuthorized struct {
	PayerID   string    `json:"payerId"`
	Reference string    `json:"reference"` // the provider's id of the payment
	Amount    int64     `json:"amount"`
	ExpiresAt time.Time `json:"expiresAt"`
	Unwanted  bool      `json:"unwanted"` // it was to be canceled meanwhile
}

// PaymentDeclined tells that the provider has not authorized the payment, and never will.
type PaymentDeclined struct {
	PayerID  string `json:"payerId"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Code     string `json:"code"` // the provider's reason
}

// PaymentCaptureRequested asks for an authorized amount to be captured, or for a part, after
// which the rest is released.
type PaymentCaptureRequested struct {
	CaptureID string `json:"captureId"`
	Reference string `json:"reference"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
}

// PaymentCaptured tells that the payer has paid this amount.
type PaymentCaptured struct {
	PayerID  string `json:"payerId"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// PaymentCaptureFailed tells that a capture had no effect, so that another can be tried.
type PaymentCaptureFailed struct {
	CaptureID string `json:"captureId"`
	Code      string `json:"code"`
}

// PaymentCancelRequested asks for nothing to be captured, and for what is authorized to be
// released.
type PaymentCancelRequested struct {
	PayerID   string `json:"payerId"`
	Reference string `json:"reference"` // "": nothing is authorized yet
}

// PaymentCanceled tells that what was authorized has been released.
type PaymentCanceled struct {
	PayerID string `json:"payerId"`
}

// PaymentExpired tells that an authorization is at its end.
type PaymentExpired struct {
	PayerID   string `json:"payerId"`
	Reference string `json:"reference"`
}

// PaymentRefundRequested asks for an amount to be given back.
type PaymentRefundRequested struct {
	RefundID  string `json:"refundId"`
	Reference string `json:"reference"`
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
}

// PaymentRefundReasonGiven keeps why somebody asked for a refund.
type PaymentRefundReasonGiven struct {
	PayerID  string `json:"payerId" data:"subject"`
	RefundID string `json:"refundId"`
	Reason   string `json:"reason" data:"personal"`
}

// PaymentRefunded tells that an amount has been given back.
type PaymentRefunded struct {
	PayerID  string `json:"payerId"`
	RefundID string `json:"refundId"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// PaymentRefundFailed tells that nothing was given back, or that it came back.
type PaymentRefundFailed struct {
	RefundID string `json:"refundId"`
	Code     string `json:"code"`
}

// PaymentDisputed tells that the payer's bank questions the payment.
type PaymentDisputed struct {
	PayerID string `json:"payerId"`
}

// PaymentPayerErased tells that nothing personal may be shown of the payment any more.
type PaymentPayerErased struct {
	PayerID string `json:"payerId"`
}

// EventType implements [Event].
func (PaymentRequested) EventType() string { return "payment.requested.v1" }

// EventType implements [Event].
func (PaymentAuthorized) EventType() string { return "payment.authorized.v1" }

// EventType implements [Event].
func (PaymentDeclined) EventType() string { return "payment.declined.v1" }

// EventType implements [Event].
func (PaymentCaptureRequested) EventType() string { return "payment.capture-requested.v1" }

// EventType implements [Event].
func (PaymentCaptured) EventType() string { return "payment.captured.v1" }

// EventType implements [Event].
func (PaymentCaptureFailed) EventType() string { return "payment.capture-failed.v1" }

// EventType implements [Event].
func (PaymentCancelRequested) EventType() string { return "payment.cancel-requested.v1" }

// EventType implements [Event].
func (PaymentCanceled) EventType() string { return "payment.canceled.v1" }

// EventType implements [Event].
func (PaymentExpired) EventType() string { return "payment.expired.v1" }

// EventType implements [Event].
func (PaymentRefundRequested) EventType() string { return "payment.refund-requested.v1" }

// EventType implements [Event].
func (PaymentRefundReasonGiven) EventType() string { return "payment.refund-reason-given.v1" }

// EventType implements [Event].
func (PaymentRefunded) EventType() string { return "payment.refunded.v1" }

// EventType implements [Event].
func (PaymentRefundFailed) EventType() string { return "payment.refund-failed.v1" }

// EventType implements [Event].
func (PaymentDisputed) EventType() string { return "payment.disputed.v1" }

// EventType implements [Event].
func (PaymentPayerErased) EventType() string { return "payment.payer-erased.v1" }

func (PaymentRequested) payment()         {}
func (PaymentAuthorized) payment()        {}
func (PaymentDeclined) payment()          {}
func (PaymentCaptureRequested) payment()  {}
func (PaymentCaptured) payment()          {}
func (PaymentCaptureFailed) payment()     {}
func (PaymentCancelRequested) payment()   {}
func (PaymentCanceled) payment()          {}
func (PaymentExpired) payment()           {}
func (PaymentRefundRequested) payment()   {}
func (PaymentRefundReasonGiven) payment() {}
func (PaymentRefunded) payment()          {}
func (PaymentRefundFailed) payment()      {}
func (PaymentDisputed) payment()          {}
func (PaymentPayerErased) payment()       {}
