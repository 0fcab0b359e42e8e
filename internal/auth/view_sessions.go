package auth

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// SessionRow is a login as its owner sees it.
type SessionRow struct {
	ID        string     `json:"id"`
	UserID    string     `json:"userId"`
	Client    string     `json:"client"`
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
