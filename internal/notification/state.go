package notification

import "github.com/interview-sandbox/annals/events"

// Notification is one message to a person: what a "notification#<id>" stream adds up to.
type Notification struct{ UserID, Kind string }

// Exists reports whether the notification has been requested.
func (n Notification) Exists() bool { return n.UserID != "" }

// Evolve implements [es.State].
func (n Notification) Evolve(e events.Notification) Notification {
	if e, ok := e.(events.NotificationRequested); ok {
		n.UserID, n.Kind = e.UserID, e.Kind
	}
	return n
}
