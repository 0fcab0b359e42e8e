package payment

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RequestCancel asks for a payment not to be taken. While its authorization is under way it is
// remembered: what gets authorized then is released, and what gets captured is given back.
type RequestCancel struct{ By Actor }

// ErrNotCancelable refuses to cancel what has been decided.
var ErrNotCancelable = &es.Error{Kind: es.Conflict, Code: "not-cancelable", Message: "Only a payment that is not captured, nor about to be, can be canceled."}

// Decide implements [es.Command].
func (c RequestCancel) Decide(p Payment, _ time.Time) ([]events.Payment, error) {
	switch status := p.Status(); {
	case !c.By.mayChange(p):
		return nil, ErrNotFound
	case p.Canceling && p.Captured == 0, status == Canceled:
		return nil, nil
	case status != Requested && status != Authorized, p.Capturing.ID != "":
		return nil, ErrNotCancelable
	}
	return []events.Payment{events.PaymentCancelRequested{PayerID: p.PayerID, Reference: p.Reference}}, nil
}

func (m *Module) cancel(ctx context.Context, call api.Call, _ struct{}) (api.Reply[Answer], error) {
	return m.change(ctx, call, RequestCancel{actor(call)})
}
