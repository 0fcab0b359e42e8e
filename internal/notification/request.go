package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Request asks for a notification.
type Request struct{ UserID, Kind string }

// Decide implements [es.Command].
func (c Request) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	if n.Exists() {
		return nil, nil
	}
	return []events.Notification{events.NotificationRequested{UserID: c.UserID, Kind: c.Kind}}, nil
}
