package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/payment"
)

// Header is the header with a webhook's signature: "t=<seconds since 1970>,v1=<HMAC-SHA-256 of
// the same, a dot and the body, in hexadecimal>".
const Header = "Sandbox-Signature"

// maxAge is how old a signature may be, and how far in the future.
const maxAge = 5 * time.Minute

// message is the body of a webhook.
type message struct {
	ID        string         `json:"id"`
	PaymentID string         `json:"paymentId"`
	Report    payment.Report `json:"report"`
}

// send sends the report at a place in Told, under the same id each time.
func (p *Provider) send(ctx context.Context, a Account, n int) error {
	body, err := json.Marshal(message{es.DeriveID("sandbox webhook", a.ID, strconv.Itoa(n)), a.ID, a.Told[n]})
	if err != nil {
		return fmt.Errorf("write a webhook: %w", err)
	}
	secret, err := p.Secret(ctx)
	if err == nil {
		err = p.Webhooks.Send(ctx, Sign(secret, p.Now(), body), body)
	}
	if err != nil {
		return fmt.Errorf("deliver a webhook: %w", err)
	}
	return nil
}

// Sign makes the signature of a body.
func Sign(secret []byte, now time.Time, body []byte) string {
	t := strconv.FormatInt(now.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// ParseWebhook implements [payment.Provider].
func (p *Provider) ParseWebhook(ctx context.Context, now time.Time, headers map[string]string, body []byte) (w payment.Webhook, err error) {
	secret, err := p.Secret(ctx)
	if err != nil {
		return w, err
	}
	t, signature, ok := strings.Cut(headers[strings.ToLower(Header)], ",v1=")
	t, timed := strings.CutPrefix(t, "t=")
	given, err := hex.DecodeString(signature)
	seconds, err2 := strconv.ParseInt(t, 10, 64)
	if !ok || !timed || err != nil || err2 != nil || !hmac.Equal(given, mac(secret, t, body)) ||
		now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return w, payment.ErrSignature
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return w, payment.ErrSignature // signed, and yet nothing that this provider writes
	}
	return payment.Webhook{ID: m.ID, PaymentID: m.PaymentID, Report: m.Report}, nil
}

// Post sends webhooks to an address by HTTP.
type Post struct {
	URL    string
	Client *http.Client
}

// Send implements [Sender]. Any answer but one of success is an error.
func (p Post) Send(ctx context.Context, signature string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(Header, signature)
	reply, err := p.Client.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode/100 != 2 {
		return fmt.Errorf("it is answered with status %d", reply.StatusCode)
	}
	return nil
}
