package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
)

// RecordMail records that the provider has taken a mail.
type RecordMail struct{ MessageID string }

// Decide implements [es.Command].
func (c RecordMail) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	return n.settle(events.NotificationMailSent{MessageID: c.MessageID})
}

// settle is the last that happens to a notification's mail.
func (n Notification) settle(e events.Notification) ([]events.Notification, error) {
	if n.Mail.Settled {
		return nil, nil
	}
	return []events.Notification{e}, nil
}
