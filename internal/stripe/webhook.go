package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/interview-sandbox/annals/internal/payment"
)

// header is the header with a webhook's signature, in lower case.
const header = "stripe-signature"

// ParseWebhook implements [payment.Provider]. The library tells the age of a signature by its
// own clock. Events about other things than payments, refunds and disputes are about none of
// ours.
func (p *Provider) ParseWebhook(ctx context.Context, _ time.Time, headers map[string]string, body []byte) (w payment.Webhook, err error) {
	// Webhooks are sent in the version of the endpoint, which may be older than the library.
	event, err := webhook.ConstructEventWithOptions(body, headers[header], p.webhookSecret, webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
	if err != nil || event.Data == nil {
		return w, payment.ErrSignature
	}
	w.ID = event.ID
	switch kind := string(event.Type); {
	case strings.HasPrefix(kind, "payment_intent."):
		intent, err := read[stripe.PaymentIntent](event)
		w.PaymentID, w.Report = intent.Metadata[paymentID], report(&intent)
		return w, err
	case strings.HasPrefix(kind, "refund."), kind == "charge.refund.updated":
		made, err := read[stripe.Refund](event)
		w.PaymentID, w.Report = made.Metadata[paymentID], reportRefund(&made)
		return w, err
	case kind == "charge.dispute.created":
		dispute, err := read[stripe.Dispute](event)
		if err != nil || dispute.PaymentIntent == nil {
			return w, err
		}
		// A dispute does not carry the payment's id.
		intent, err := p.client.V1PaymentIntents.Retrieve(ctx, dispute.PaymentIntent.ID, nil)
		if err != nil {
			return w, quiet(err)
		}
		w.PaymentID, w.Report = intent.Metadata[paymentID], report(intent)
		w.Report.Disputed = true
	}
	return w, nil
}

// read reads the object that an event is about.
func read[T any](event stripe.Event) (object T, err error) {
	if err = json.Unmarshal(event.Data.Raw, &object); err != nil {
		err = fmt.Errorf("read a stripe event of type %s: %w", event.Type, err)
	}
	return object, err
}
