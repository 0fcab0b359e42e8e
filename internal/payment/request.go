package payment

import (
	"context"
	"net/http"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// When a payment is captured.
const (
	captureAutomatic = "automatic" // as soon as it is authorized
	captureManual    = "manual"    // when somebody asks for it
)

// Request asks for a payment.
type Request struct {
	PayerID, Provider, Method, Currency, Capture, Description string
	Amount                                                    int64 // minor units
}

// ErrExists: the payment has been requested already, by another command.
var ErrExists = &es.Error{Kind: es.Conflict, Code: "payment-exists", Message: "This payment exists already."}

// Decide implements [es.Command].
func (c Request) Decide(p Payment, _ time.Time) ([]events.Payment, error) {
	if p.Exists() {
		return nil, ErrExists
	}
	return []events.Payment{events.PaymentRequested{
		PayerID: c.PayerID, Amount: c.Amount, Currency: c.Currency, Method: c.Method, Capture: c.Capture,
		Provider: c.Provider, Description: c.Description,
	}}, nil
}

type requestPaymentBody struct {
	Amount      int64   `json:"amount" schema:"minimum=1 maximum=99999999"` // minor units of the currency
	Currency    string  `json:"currency" schema:"minLength=3 maxLength=3"`  // ISO 4217
	Method      string  `json:"method" schema:"minLength=1 maxLength=100"`  // as the provider names it
	Description *string `json:"description,omitempty" schema:"maxLength=500"`
	Capture     *string `json:"capture,omitempty" schema:"enum=automatic|manual default=automatic"`
}

// ErrNoKey refuses a payment without an Idempotency-Key: a request that is sent again because
// its answer was lost must not charge anybody twice.
var ErrNoKey = &es.Error{Kind: es.Malformed, Code: "idempotency-key-required", Message: "A payment needs an Idempotency-Key."}

func (m *Module) request(ctx context.Context, call api.Call, in requestPaymentBody) (reply api.Reply[Answer], err error) {
	if !call.Keyed() {
		return reply, ErrNoKey
	}
	c := Request{PayerID: call.Caller.ID, Provider: m.Provider.Name(), Amount: in.Amount, Currency: in.Currency, Method: in.Method, Capture: captureAutomatic}
	if in.Capture != nil {
		c.Capture = *in.Capture
	}
	if in.Description != nil {
		c.Description = *in.Description
	}
	if err := c.validate(m.Provider); err != nil {
		return reply, err
	}
	if err := m.mayPay(ctx, c.PayerID); err != nil {
		return reply, err
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, payments.New(call.NewID("payment"), c))
	if err != nil {
		return reply, err
	}
	// A repeat is answered with how the payment stood at first, which is nothing to look up.
	reply, err = m.answer(ctx, call, result, Payment{PayerID: c.PayerID}, result.Version)
	if reply.Status == http.StatusOK {
		reply.Status = http.StatusCreated
	}
	reply.Location = "/payments/" + result.Stream.ID()
	return reply, err
}
