package notification

import (
	"strconv"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Request asks for a person to be told of an event.
type Request struct {
	UserID  string
	Kind    Kind
	Stream  es.Stream
	Version es.Version
}

// Decide implements [es.Command].
func (c Request) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	if n.Exists() {
		return nil, nil
	}
	return []events.Notification{events.NotificationRequested{
		UserID: c.UserID, Kind: string(c.Kind), Stream: string(c.Stream), Version: uint64(c.Version),
	}}, nil
}

// since is the moment from which on people are told of what happens.
var since = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// on makes a kind of event a trigger.
func on(e events.Event) []projection.Trigger {
	return []projection.Trigger{{Event: e, Since: since}}
}

// tell has a person told of an event, once.
func tell(userID string, k Kind, e es.Recorded) projection.Reaction {
	id := es.DeriveID(string(k), string(e.Stream), strconv.FormatUint(uint64(e.Version), 10))
	return projection.Reaction{Command: notifications.New(id, Request{userID, k, e.Stream, e.Version})}
}
