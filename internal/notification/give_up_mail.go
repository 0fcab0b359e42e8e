package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
)

// GiveUpMail ends the attempts of which nobody knows whether they sent the mail.
type GiveUpMail struct{}

// Decide implements [es.Command].
func (GiveUpMail) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	return n.settle(events.NotificationMailGivenUp{Attempts: n.Mail.Unknown})
}
