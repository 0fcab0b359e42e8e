package payment

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RequestCapture asks for an authorized payment to be captured.
type RequestCapture struct {
	By        Actor
	CaptureID string
	Amount    int64 // 0: all
}

// The refusals of RequestCapture.
var (
	ErrNotCapturable  = &es.Error{Kind: es.Conflict, Code: "not-capturable", Message: "Only a payment that is authorized, and not about to be captured or canceled, can be captured."}
	ErrCaptureTooHigh = &es.Error{Kind: es.Rejected, Code: "capture-too-high", Message: "No more can be captured than is authorized."}
)

// Decide implements [es.Command].
func (c RequestCapture) Decide(p Payment, now time.Time) ([]events.Payment, error) {
	amount := c.Amount
	if amount == 0 {
		amount = p.Authorized
	}
	switch {
	case !c.By.mayChange(p):
		return nil, ErrNotFound
	case p.Status() != Authorized || p.UnderWay() || !now.Before(p.ExpiresAt):
		return nil, ErrNotCapturable
	case amount > p.Authorized:
		return nil, ErrCaptureTooHigh
	}
	return []events.Payment{events.PaymentCaptureRequested{CaptureID: c.CaptureID, Reference: p.Reference, Amount: amount, Currency: p.Currency}}, nil
}

type captureBody struct {
	Amount *int64 `json:"amount,omitempty" schema:"minimum=1 maximum=99999999"` // all that is authorized if it is left out
}

func (m *Module) capture(ctx context.Context, call api.Call, in captureBody) (reply api.Reply[Answer], err error) {
	return m.change(ctx, call, RequestCapture{actor(call), call.NewID("capture"), amountOf(in.Amount)})
}

// amountOf reads an amount that may be left out, which gives 0.
func amountOf(in *int64) int64 {
	if in == nil {
		return 0
	}
	return *in
}
