package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
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
	Provider    string // "stripe", or "sandbox", which "" is as well
	SandboxHook string // URL that the sandbox sends its webhooks to; "": it sends none
	Stripe      string // [StripeSecrets] in JSON, encrypted by the key that wraps the system's keys under the name "stripe", in base64
}

// StripeSecrets is what Stripe gives its users. It is never in clear outside the memory of the
// functions that call Stripe.
type StripeSecrets struct {
	Key           string `json:"key"`           // secret or restricted API key
	WebhookSecret string `json:"webhookSecret"` // of the webhook endpoint
}

// CommandPayment builds functions/command-payment.
func CommandPayment(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-payment", func(p parts) ([]api.Route, error) {
		provider, err := s.provider(ctx, p.ring)
		return (&payment.Module{Executor: p.Executor, Views: p.views, Provider: provider}).Routes(), err
	})
}

// hookLimit is how long the sandbox waits for the answer to a webhook.
const hookLimit = 5 * time.Second

// callLimit is how long a call of Stripe may take, so that there is time for a second one.
const callLimit = 8 * time.Second

// provider is the provider of payments.
func (s system) provider(ctx context.Context, ring *keys.Ring) (payment.Provider, error) {
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
		secrets, err := s.stripeSecrets(ctx, ring)
		if err != nil {
			return nil, err
		}
		return stripe.New(stripe.Settings{Key: secrets.Key, WebhookSecret: secrets.WebhookSecret, Client: &http.Client{Timeout: callLimit}}), nil
	}
	return nil, fmt.Errorf("there is no payment provider %q", s.Payments.Provider)
}

// stripeSecrets decrypts what the functions that call Stripe have been given. What fails is not
// told in full, because decoders quote what they cannot read.
func (s system) stripeSecrets(ctx context.Context, ring *keys.Ring) (out StripeSecrets, err error) {
	sealed, err := base64.StdEncoding.DecodeString(s.Payments.Stripe)
	if err != nil || len(sealed) == 0 {
		return out, errors.New("payments by stripe need its secrets, encrypted and in base64")
	}
	plain, err := ring.Wrapper.Unwrap(ctx, stripe.Name, sealed)
	if err != nil {
		return out, fmt.Errorf("decrypt the secrets of stripe: %w", err)
	}
	if err := json.Unmarshal(plain, &out); err != nil || out.Key == "" || out.WebhookSecret == "" {
		return out, errors.New(`the secrets of stripe are not {"key": …, "webhookSecret": …}`)
	}
	return out, nil
}
