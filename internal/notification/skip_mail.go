package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
)

// SkipMail records that there is no mail to be sent.
type SkipMail struct{ Reason string }

// Decide implements [es.Command].
func (c SkipMail) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	return n.settle(events.NotificationMailSkipped{Reason: c.Reason})
}
