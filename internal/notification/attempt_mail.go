package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// AttemptMail comes before a mail is sent, so that nobody sends it again without knowing that
// it may have been.
type AttemptMail struct{ Attempt int }

// errNotNow: the mail is not to be sent at this moment. The clock tries again.
var errNotNow = &es.Error{Kind: es.Unavailable, Code: "not-now", Message: "The mail is being sent."}

// Decide implements [es.Command].
func (c AttemptMail) Decide(n Notification, now time.Time) ([]events.Notification, error) {
	m := n.Mail
	if !n.Exists() || m.Settled || m.Unknown >= maxUnknown || c.Attempt != m.Attempts+1 || m.waits(now) {
		return nil, errNotNow
	}
	return []events.Notification{events.NotificationMailAttempted{Attempt: c.Attempt, At: now}}, nil
}
