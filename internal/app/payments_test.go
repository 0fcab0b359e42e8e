package app

import "testing"

func TestPaymentsGoToTheProviderThatIsConfigured(t *testing.T) {
	for _, c := range []struct {
		payments Payments
		name     string // "": it is refused
	}{
		{Payments{}, "sandbox"},
		{Payments{Provider: "sandbox"}, "sandbox"},
		{Payments{Provider: "stripe", StripeKey: "sk", StripeWebhookSecret: "whsec"}, "stripe"},
		{Payments{Provider: "stripe", StripeKey: "sk"}, ""},
		{Payments{Provider: "stripe", StripeWebhookSecret: "whsec"}, ""},
		{Payments{Provider: "other"}, ""},
	} {
		p, err := newSystem(Config{Prefix: "annals", Region: "us-east-1", Payments: c.payments}).provider(nil)
		if (err != nil) != (c.name == "") || err == nil && p.Name() != c.name {
			t.Errorf("%+v: error %v, want %q", c.payments, err, c.name)
		}
	}
}
