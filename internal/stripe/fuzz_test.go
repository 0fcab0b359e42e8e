package stripe

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/payment"
)

// one answers every request with a payment intent, without a network.
type one struct{}

func (one) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"id":"pi_1","status":"succeeded","currency":"eur","amount":100,"amount_received":100,"metadata":{"payment_id":"p"}}`))}, nil
}

// What Stripe has signed is read or refused; what it has not signed is refused for that.
func FuzzWebhook(f *testing.F) {
	for kind, object := range map[string]string{
		"payment_intent.succeeded":      `{"id":"pi_1","status":"succeeded","currency":"eur","amount":100,"amount_received":100,"metadata":{"payment_id":"p"},"latest_charge":{"id":"ch_1","disputed":true}}`,
		"payment_intent.payment_failed": `{"id":"pi_1","status":"requires_payment_method","last_payment_error":{"code":"card_declined","decline_code":"lost_card"},"metadata":{"payment_id":"p"}}`,
		"refund.failed":                 `{"id":"re_1","amount":5,"currency":"eur","status":"failed","failure_reason":"lost_or_stolen_card","metadata":{"payment_id":"p","refund_id":"r"}}`,
		"charge.dispute.created":        `{"id":"du_1","payment_intent":"pi_1"}`,
		"customer.created":              `{"id":"cus_1"}`,
	} {
		f.Add("", []byte(event(kind, object)), true)
	}
	f.Add("t=1,v1=00", []byte(`{}`), false)
	f.Fuzz(func(t *testing.T, signature string, body []byte, sign bool) {
		p := New(Settings{Key: "sk_test_123", WebhookSecret: secret, Client: &http.Client{Transport: one{}}})
		headers := map[string]string{header: signature}
		if sign {
			headers = signed(string(body), time.Now(), secret)
		}
		w, err := p.ParseWebhook(t.Context(), time.Now(), headers, body)
		if !sign && !errors.Is(err, payment.ErrSignature) {
			t.Errorf("what is not signed gives %+v, error %v", w, err)
		}
	})
}
