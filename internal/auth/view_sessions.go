package auth

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// SessionRow is a login as its owner sees it.
type SessionRow struct {
	ID        string     `json:"id"`
	UserID    string     `json:"userId"`
	Client    string     `json:"client" data:"personal"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt time.Time  `json:"expiresAt"`
	Version   es.Version `json:"version"`
}

// Sessions is the read model of logins, by id, with a list of each user's by time.
var Sessions = projection.View[SessionRow]{
	Name:     "sessions",
	Category: "session",
	Apply: func(row SessionRow, e es.Recorded) SessionRow {
		if started, ok := e.Event.(events.SessionStarted); ok {
			row = SessionRow{ID: e.Stream.ID(), UserID: started.UserID, Client: started.Client, CreatedAt: e.At, ExpiresAt: started.ExpiresAt}
		}
		row.Version = e.Version
		return row
	},
	Lists: [projection.Lists]func(SessionRow) projection.Place{
		func(s SessionRow) projection.Place {
			return projection.Place{Partition: s.UserID, Sort: s.CreatedAt.UTC().Format(time.RFC3339)}
		},
	},
}

// listSessions lists the caller's own logins, oldest first.
func (m *Module) listSessions(ctx context.Context, call api.Call) (reply api.Reply[api.List[SessionRow]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	rows, next, err := Sessions.List(ctx, m.Views, projection.Query{Partition: call.Caller.ID, After: page.Cursor, Limit: page.Limit})
	reply.Body = api.NewList(rows, next)
	return reply, err
}
