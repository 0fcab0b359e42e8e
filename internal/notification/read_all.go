package notification

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
)

// ReadAll records that a person has seen all notifications that there are. It is one event
// whatever their number: those that were requested before it count as read.
type ReadAll struct{}

// Decide implements [es.Command].
func (ReadAll) Decide(i Inbox, now time.Time) ([]events.Inbox, error) {
	if !now.After(i.ReadThrough) {
		return nil, nil
	}
	return []events.Inbox{events.InboxRead{Through: now}}, nil
}

func (m *Module) readAll(ctx context.Context, call api.Call, _ struct{}) (api.Reply[api.Changed], error) {
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, inboxes.On(call.Caller.ID, ReadAll{}))
	return api.Accepted(result), err
}
