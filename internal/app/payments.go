package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/sandbox"
)

// Payments is which provider carries payments out, and what it needs.
type Payments struct {
	Provider    string // "sandbox", which "" is as well
	SandboxHook string // URL that the sandbox sends its webhooks to; "": it sends none
}

// CommandPayment builds functions/command-payment.
func CommandPayment(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-payment", func(_ context.Context, m *modules, ring *keys.Ring) (_ module, err error) {
		m.payment.Provider, err = s.provider(ring)
		return &m.payment, err
	})
}

// hookLimit is how long the sandbox waits for the answer to a webhook.
const hookLimit = 5 * time.Second

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
	}
	return nil, fmt.Errorf("there is no payment provider %q", s.Payments.Provider)
}
