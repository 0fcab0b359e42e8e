package app

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/keys"
)

// wrapper decrypts what says under which name it was encrypted.
type wrapper struct{ keys.Wrapper }

func (wrapper) Unwrap(_ context.Context, name string, wrapped []byte) ([]byte, error) {
	plain, ok := strings.CutPrefix(string(wrapped), name+":")
	if !ok {
		return nil, errors.New("it was encrypted under another name")
	}
	return []byte(plain), nil
}

func TestPaymentsGoToTheProviderThatIsConfigured(t *testing.T) {
	sealed := func(text string) Payments {
		return Payments{Provider: "stripe", Stripe: base64.StdEncoding.EncodeToString([]byte(text))}
	}
	for _, c := range []struct {
		payments Payments
		name     string // "": it is refused
	}{
		{Payments{}, "sandbox"},
		{Payments{Provider: "sandbox"}, "sandbox"},
		{sealed(`stripe:{"key":"sk","webhookSecret":"whsec"}`), "stripe"},
		{sealed(`stripe:{"key":"sk"}`), ""},
		{sealed(`stripe:{"webhookSecret":"whsec"}`), ""},
		{sealed(`stripe:sk`), ""},
		{sealed(`other:{"key":"sk","webhookSecret":"whsec"}`), ""},
		{Payments{Provider: "stripe"}, ""},
		{Payments{Provider: "stripe", Stripe: "sk_live"}, ""},
		{Payments{Provider: "other"}, ""},
	} {
		p, err := newSystem(Config{Prefix: "annals", Region: "us-east-1", Payments: c.payments}).provider(t.Context(), &keys.Ring{Wrapper: wrapper{}})
		if (err != nil) != (c.name == "") || err == nil && p.Name() != c.name {
			t.Errorf("%+v: error %v, want %q", c.payments, err, c.name)
		}
		if err != nil && (strings.Contains(err.Error(), "sk") || strings.Contains(err.Error(), "whsec")) {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}
