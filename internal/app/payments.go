package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/sandbox"
	"github.com/interview-sandbox/annals/internal/stripe"
)

// Payments is which provider carries payments out, and what it needs.
type Payments struct {
	Provider            string // "stripe", or "sandbox", which "" is as well
	SandboxHook         string // URL that the sandbox sends its webhooks to; "": it sends none
	StripeKey           string // secret or restricted API key
	StripeWebhookSecret string // of the webhook endpoint
}

// CommandPayment builds functions/command-payment.
func CommandPayment(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-payment", func(p parts) ([]api.Route, error) {
		provider, err := s.provider(p.ring)
		return (&payment.Module{Executor: p.Executor, Views: p.views, Provider: provider}).Routes(), err
	})
}

// hookLimit is how long the sandbox waits for the answer to a webhook.
const hookLimit = 5 * time.Second

// callLimit is how long a call of Stripe may take, so that there is time for a second one.
const callLimit = 8 * time.Second

// provider is the provider of payments.
func (s system) provider(ring *keys.Ring) (payment.Provider, error) {
	switch s.Payments.Provider {
	case "", sandbox.Name:
		p := &sandbox.Provider{
			Ledger: &dynamo.Ledger{Client: s.dynamodb, Table: s.table("Sandbox")},
			Secret: func(ctx context.Context) ([]byte, error) { return ring.Secret(ctx, "sandbox webhooks") },
			Now:    s.Now,
		}
		if s.Payments.SandboxHook != "" {
			p.Webhooks = sandbox.Post{URL: s.Payments.SandboxHook, Client: &http.Client{Timeout: hookLimit}}
		}
		return p, nil
	case stripe.Name:
		if s.Payments.StripeKey == "" || s.Payments.StripeWebhookSecret == "" {
			return nil, errors.New("payments by stripe need its API key and the secret of its webhooks")
		}
		return stripe.New(stripe.Settings{Key: s.Payments.StripeKey, WebhookSecret: s.Payments.StripeWebhookSecret, Client: &http.Client{Timeout: callLimit}}), nil
	}
	return nil, fmt.Errorf("there is no payment provider %q", s.Payments.Provider)
}
