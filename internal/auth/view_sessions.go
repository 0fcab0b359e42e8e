package auth

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// LoginReply is a login as its owner sees it.
type LoginReply struct {
	ID        string     `json:"id" schema:"format=uuid"`
	UserID    string     `json:"userId" schema:"format=uuid"`
	Client    string     `json:"client"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt time.Time  `json:"expiresAt"`
	Version   es.Version `json:"version"`
}

// SessionRow is what the view keeps of a login.
type SessionRow struct {
	LoginReply
	Epoch int  `json:"epoch"` // the account's when it began
	Ended bool `json:"ended"`
}

// Sessions is the read model of logins, by id, with a list of each user's that were not ended
// by themselves, newest first: what has run out or was ended with others does not hide the rest.
var Sessions = projection.View[SessionRow]{
	Name:     "sessions",
	Category: "session",
	Apply:    applyToSession,
	Lists: [projection.Lists]func(SessionRow) projection.Place{
		func(s SessionRow) (p projection.Place) {
			if !s.Ended {
				p = projection.Place{Partition: s.UserID, Sort: fmt.Sprintf("%016x", math.MaxInt64-s.CreatedAt.UnixMilli())}
			}
			return p
		},
	},
}

func applyToSession(row SessionRow, recorded es.Recorded) SessionRow {
	switch e := recorded.Event.(type) {
	case events.SessionStarted:
		row.ID, row.UserID, row.Client, row.Epoch = recorded.Stream.ID(), e.UserID, e.Client, e.Epoch
		row.CreatedAt, row.ExpiresAt = recorded.At, e.ExpiresAt
	case events.SessionRefreshed:
		row.ExpiresAt = e.ExpiresAt
	case events.SessionEnded:
		row.Ended, row.Client = true, ""
	}
	row.Version = recorded.Version
	return row
}

// listSessions lists the caller's own logins that go on, newest first. A page may have fewer
// than asked for, and more after it.
func (m *Module) listSessions(ctx context.Context, call api.Call) (reply api.Reply[api.List[LoginReply]], err error) {
	page, err := call.Page()
	if err != nil {
		return reply, err
	}
	user, err := m.users().Load(ctx, &m.Repository, call.Caller.ID)
	if err != nil {
		return reply, err
	}
	rows, next, err := Sessions.List(ctx, m.Views, projection.Query{Partition: call.Caller.ID, After: page.Cursor, Limit: page.Limit})
	var shown []LoginReply
	for _, row := range rows {
		s := Session{UserID: row.UserID, Epoch: row.Epoch, ExpiresAt: row.ExpiresAt}
		if user.State.keeps(row.ID, s) && s.lives(m.Now()) {
			shown = append(shown, row.LoginReply)
		}
	}
	reply.Body = api.NewList(shown, next)
	return reply, err
}
