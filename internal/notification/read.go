package notification

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
)

// Read records that a person has seen a notification.
type Read struct{ UserID string }

// Decide implements [es.Command].
func (c Read) Decide(n Notification, _ time.Time) ([]events.Notification, error) {
	switch {
	case !n.Exists() || n.UserID != c.UserID:
		return nil, api.ErrNotFound
	case n.Read:
		return nil, nil
	}
	return []events.Notification{events.NotificationRead{UserID: c.UserID}}, nil
}

func (m *Module) read(ctx context.Context, call api.Call, _ struct{}) (reply api.Reply[api.Changed], err error) {
	id, err := call.ID()
	if err != nil {
		return reply, err
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, notifications.On(id, Read{call.Caller.ID}))
	return api.Accepted(result), err
}
