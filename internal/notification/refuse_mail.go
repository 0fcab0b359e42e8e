package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
)

// RefuseMail records that the provider has not taken the mail of an attempt, which therefore
// does not count as one that may have been sent.
type RefuseMail struct {
	Attempt int
	Reason  string
}

// Decide implements [es.Command].
func (c RefuseMail) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	if n.Mail.Settled {
		return nil, nil
	}
	return []events.Notification{events.NotificationMailRefused{Attempt: c.Attempt, Reason: c.Reason}}, nil
}
