package payment

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RequestRefund asks for captured money to be given back.
type RequestRefund struct {
	By       Actor
	RefundID string
	Amount   int64 // 0: all that is left
	Reason   string
}

// maxRefunds keeps a payment's row, which has all of them with their reasons, of a size that
// can be stored. Those that failed count.
const maxRefunds = 50

// The refusals of RequestRefund.
var (
	ErrNotRefundable  = &es.Error{Kind: es.Conflict, Code: "not-refundable", Message: "Only what is captured, not disputed and not given back yet can be given back."}
	ErrRefundTooHigh  = &es.Error{Kind: es.Rejected, Code: "refund-too-high", Message: "No more can be given back than is left, refunds under way counted."}
	ErrTooManyRefunds = &es.Error{Kind: es.Rejected, Code: "too-many-refunds", Message: "A payment can be given back in at most 50 parts."}
)

// Decide implements [es.Command]. Why comes as an event of its own, which is not there for a
// payer who has been erased.
func (c RequestRefund) Decide(p Payment, _ time.Time) ([]events.Payment, error) {
	amount := c.Amount
	if amount == 0 {
		amount = p.Refundable()
	}
	switch {
	case !c.By.mayChange(p):
		return nil, ErrNotFound
	case p.Refundable() <= 0 || p.Disputed:
		return nil, ErrNotRefundable
	case amount > p.Refundable():
		return nil, ErrRefundTooHigh
	case len(p.Refunds) >= maxRefunds:
		return nil, ErrTooManyRefunds
	}
	decided := []events.Payment{events.PaymentRefundRequested{RefundID: c.RefundID, Reference: p.Reference, Amount: amount, Currency: p.Currency}}
	if !p.Erased {
		decided = append(decided, events.PaymentRefundReasonGiven{PayerID: p.PayerID, RefundID: c.RefundID, Reason: c.Reason})
	}
	return decided, nil
}

type refundBody struct {
	Amount *int64 `json:"amount,omitempty" schema:"minimum=1 maximum=99999999"` // all that is left if it is left out
	Reason string `json:"reason" schema:"minLength=1 maxLength=500"`
}

func (m *Module) refund(ctx context.Context, call api.Call, in refundBody) (reply api.Reply[Answer], err error) {
	var bad api.Invalid
	reason := bad.Text("/reason", in.Reason)
	if err := bad.Err(); err != nil {
		return reply, err
	}
	return m.change(ctx, call, RequestRefund{actor(call), call.NewID("refund"), amountOf(in.Amount), reason})
}
