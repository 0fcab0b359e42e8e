package payment

import (
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Expire ends an authorization whose time is up, unless a capture or a cancellation is under
// way, which the provider decides about.
type Expire struct{}

// Decide implements [es.Command].
func (Expire) Decide(p Payment, now time.Time) ([]events.Payment, error) {
	if p.Status() != Authorized || p.Canceling || p.Capturing.ID != "" || now.Before(p.ExpiresAt) {
		return nil, nil
	}
	return []events.Payment{events.PaymentExpired{PayerID: p.PayerID, Reference: p.Reference}}, nil
}
