// Package stripe has payments carried out by Stripe: a payment is a payment intent that is
// confirmed at once, and carries the payment's id in its metadata.
package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"

	"github.com/stripe/stripe-go/v85"

	"github.com/interview-sandbox/annals/internal/payment"
)

// Name is how the provider is named in events and in the path of its webhooks.
const Name = "stripe"

// The names in the metadata of Stripe's objects.
const (
	paymentID = "payment_id"
	refundID  = "refund_id"
)

// Settings is what the provider needs of a Stripe account.
type Settings struct {
	Key           string // secret or restricted API key
	WebhookSecret string // of the webhook endpoint
	URL           string // of the API; "" is Stripe itself
	Client        *http.Client
}

// Provider implements [payment.Provider].
type Provider struct {
	client        *stripe.Client
	webhookSecret string
}

// New makes a provider. The library retries nothing by itself, because effects are repeated
// with the same key anyway, and logs nothing, because its errors quote what Stripe answers.
func New(s Settings) *Provider {
	config := &stripe.BackendConfig{
		HTTPClient: s.Client, MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	}
	if s.URL != "" {
		config.URL = &s.URL
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, config)
	return &Provider{stripe.NewClient(s.Key, stripe.WithBackends(&stripe.Backends{API: backend})), s.WebhookSecret}
}

// Name implements [payment.Provider].
func (*Provider) Name() string { return Name }

var methodForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^pm_[A-Za-z0-9_]{1,97}$`)
})

// Accepts implements [payment.Provider]: the method is the id of a payment method, which the
// payer's browser has got from Stripe.
func (*Provider) Accepts(method string) bool { return methodForm().MatchString(method) }

// Authorize implements [payment.Provider]. Who would have to be asked once more, by 3-D
// Secure, is declined: nobody is there any more.
func (p *Provider) Authorize(ctx context.Context, key string, c payment.Charge) (payment.Report, error) {
	if c.Late {
		if made, err := p.find(ctx, c.PaymentID); made != nil || err != nil {
			return report(made), err
		}
	}
	capture := stripe.PaymentIntentCaptureMethodManual
	if c.Capture {
		capture = stripe.PaymentIntentCaptureMethodAutomatic
	}
	intent, err := p.client.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
		Params:                keyed(key),
		Metadata:              map[string]string{paymentID: c.PaymentID},
		Amount:                stripe.Int64(toStripe(c.Amount, c.Currency)),
		Currency:              &c.Currency,
		PaymentMethod:         &c.Method,
		PaymentMethodTypes:    stripe.StringSlice([]string{"card"}),
		CaptureMethod:         stripe.String(string(capture)),
		Confirm:               stripe.Bool(true),
		ErrorOnRequiresAction: stripe.Bool(true),
	})
	if err == nil {
		return report(intent), nil
	}
	said, err := decision(err)
	if err != nil {
		return payment.Report{}, err
	}
	r := payment.Report{Declined: code(said)}
	if said.PaymentIntent != nil {
		r.Reference = said.PaymentIntent.ID
	}
	return r, nil
}

// Capture implements [payment.Provider].
func (p *Provider) Capture(ctx context.Context, key string, c payment.Capture) (payment.Report, error) {
	intent, err := p.client.V1PaymentIntents.Capture(ctx, c.Reference, &stripe.PaymentIntentCaptureParams{
		Params: keyed(key), AmountToCapture: stripe.Int64(toStripe(c.Amount, c.Currency)),
	})
	if err == nil {
		return report(intent), nil
	}
	said, err := decision(err)
	if err != nil {
		return payment.Report{}, err
	}
	r := report(said.PaymentIntent)
	r.CaptureFailed = payment.CaptureFailure{CaptureID: c.CaptureID, Code: code(said)}
	return r, nil
}

// Void implements [payment.Provider]. Of what cannot be canceled the report tells why: how it
// stands.
func (p *Provider) Void(ctx context.Context, key, _, reference string) (payment.Report, error) {
	intent, err := p.client.V1PaymentIntents.Cancel(ctx, reference, &stripe.PaymentIntentCancelParams{Params: keyed(key)})
	if err == nil {
		return report(intent), nil
	}
	if _, err := decision(err); err != nil {
		return payment.Report{}, err
	}
	if intent, err = p.client.V1PaymentIntents.Retrieve(ctx, reference, nil); err != nil {
		return payment.Report{}, quiet(err)
	}
	return report(intent), nil
}

// Refund implements [payment.Provider]. A refund that takes its time is decided by a webhook.
func (p *Provider) Refund(ctx context.Context, key string, r payment.Repayment) (payment.Report, error) {
	if r.Late {
		switch made, err := p.findRefund(ctx, r); {
		case err != nil:
			return payment.Report{}, err
		case made != nil:
			return reportRefund(made), nil
		}
	}
	made, err := p.client.V1Refunds.Create(ctx, &stripe.RefundCreateParams{
		Params:        keyed(key),
		Metadata:      map[string]string{paymentID: r.PaymentID, refundID: r.RefundID},
		PaymentIntent: &r.Reference, Amount: stripe.Int64(toStripe(r.Amount, r.Currency)),
	})
	if err == nil {
		return reportRefund(made), nil
	}
	said, err := decision(err)
	if err != nil {
		return payment.Report{}, err
	}
	return payment.Report{Refunds: []payment.RefundReport{{ID: r.RefundID, Amount: r.Amount, Failed: code(said)}}}, nil
}

// find looks for the intent of a payment; nil: there is none. What is searched for is found a
// minute after it was made, and this one would have been made hours ago.
func (p *Provider) find(ctx context.Context, id string) (*stripe.PaymentIntent, error) {
	found := p.client.V1PaymentIntents.Search(ctx, &stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{
		Query: "metadata['" + paymentID + "']:'" + id + "'",
	}})
	for intent, err := range found.All(ctx) {
		if err != nil {
			return nil, quiet(err)
		}
		return intent, nil
	}
	return nil, nil
}

// findRefund looks for a refund; nil: there is none.
func (p *Provider) findRefund(ctx context.Context, r payment.Repayment) (*stripe.Refund, error) {
	for made, err := range p.client.V1Refunds.List(ctx, &stripe.RefundListParams{PaymentIntent: &r.Reference}).All(ctx) {
		if err != nil {
			return nil, quiet(err)
		}
		if made.Metadata[refundID] == r.RefundID {
			return made, nil
		}
	}
	return nil, nil
}

func keyed(key string) stripe.Params { return stripe.Params{IdempotencyKey: &key} }

// decision gives what Stripe has decided against a request, which it will decide again however
// often it is asked. Any other error may pass, or is ours.
func decision(err error) (*stripe.Error, error) {
	var said *stripe.Error
	if errors.As(err, &said) && said.Code != stripe.ErrorCodeLockTimeout && said.Type != stripe.ErrorTypeIdempotency {
		switch said.HTTPStatusCode {
		case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
			return said, nil
		}
	}
	return nil, quiet(err)
}

// quiet is an error without what Stripe has answered, which may quote secrets.
func quiet(err error) error {
	var said *stripe.Error
	if errors.As(err, &said) {
		return fmt.Errorf("stripe answers %d %s %s, request %s", said.HTTPStatusCode, said.Type, said.Code, said.RequestID)
	}
	return fmt.Errorf("ask stripe: %w", err)
}

// code says why, as precisely as Stripe does.
func code(e *stripe.Error) string {
	return cmp.Or(string(e.DeclineCode), string(e.Code), string(e.Type), "unknown")
}

// report tells how a payment intent stands.
func report(i *stripe.PaymentIntent) (r payment.Report) {
	if i == nil {
		return r
	}
	currency := string(i.Currency)
	r.Reference = i.ID
	switch i.Status {
	case stripe.PaymentIntentStatusRequiresCapture:
		r.Authorized = fromStripe(i.AmountCapturable, currency)
	case stripe.PaymentIntentStatusSucceeded:
		r.Authorized, r.Captured = fromStripe(i.Amount, currency), fromStripe(i.AmountReceived, currency)
	case stripe.PaymentIntentStatusCanceled:
		r.Released = true
		r.Expired = i.CancellationReason == stripe.PaymentIntentCancellationReasonAutomatic || i.CancellationReason == stripe.PaymentIntentCancellationReasonExpired
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		if i.LastPaymentError != nil {
			r.Declined = code(i.LastPaymentError)
		}
	}
	return r
}

// reportRefund tells how a refund stands; one that is not decided is not told of.
func reportRefund(made *stripe.Refund) (r payment.Report) {
	decided := payment.RefundReport{ID: made.Metadata[refundID], Amount: fromStripe(made.Amount, string(made.Currency))}
	switch made.Status {
	case stripe.RefundStatusSucceeded:
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		decided.Failed = cmp.Or(string(made.FailureReason), string(made.Status))
	default:
		return r
	}
	r.Refunds = []payment.RefundReport{decided}
	return r
}
