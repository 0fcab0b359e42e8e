package payment

import (
	"context"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// webhook takes what the provider tells by itself. The answer is that it has arrived, whether
// or not it is about a payment that there is: the provider would only send it again.
func (m *Module) webhook(ctx context.Context, call api.Call, body []byte) (reply api.Reply[struct{}], err error) {
	if call.Params["provider"] != m.Provider.Name() {
		return reply, ErrNotFound
	}
	told, err := m.Provider.ParseWebhook(ctx, m.Now(), call.Headers, body)
	if err != nil || !es.ValidID(told.PaymentID) {
		return reply, err
	}
	meta := call.Meta
	meta.CommandID, meta.Actor = es.DeriveID("webhook", m.Provider.Name(), told.ID), "provider:"+m.Provider.Name()
	_, err = m.Execute(ctx, meta, nil, payments.On(told.PaymentID, Record{told.PaymentID, m.Provider.Name(), told.Report}))
	return reply, err
}
