package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// EndSession ends a login of a user.
type EndSession struct{ UserID, Reason string }

// Decide implements [es.Command].
func (c EndSession) Decide(s Session, _ time.Time) ([]events.Session, error) {
	switch {
	case s.UserID == "" || s.UserID != c.UserID:
		return nil, ErrNotFound
	case s.Ended:
		return nil, nil
	}
	return []events.Session{events.SessionEnded{Reason: c.Reason}}, nil
}

// EndSessions ends all logins of an account.
type EndSessions struct{ Reason string }

// Decide implements [es.Command].
func (c EndSessions) Decide(u User, _ time.Time) ([]events.Auth, error) {
	if err := u.refusal(); err != nil {
		return nil, err
	}
	return []events.Auth{events.UserSessionsEnded{Reason: c.Reason}}, nil
}

// done answers a command that has nothing to tell.
func done(r es.Result, err error) (api.Reply[struct{}], error) {
	return api.Reply[struct{}]{Status: http.StatusNoContent, Version: r.Version, Replay: r.Replay}, err
}

func (m *Module) logout(ctx context.Context, call api.Call, _ struct{}) (api.Reply[struct{}], error) {
	return done(m.Execute(ctx, call.Meta, call.IfMatch, sessions.On(call.Caller.Session, EndSession{call.Caller.ID, "logout"})))
}

func (m *Module) logoutAll(ctx context.Context, call api.Call, _ struct{}) (api.Reply[struct{}], error) {
	return done(m.Execute(ctx, call.Meta, call.IfMatch, m.users().On(call.Caller.ID, EndSessions{"logout-all"})))
}

func (m *Module) deleteSession(ctx context.Context, call api.Call, _ struct{}) (api.Reply[struct{}], error) {
	id, err := call.ID()
	if err != nil {
		return api.Reply[struct{}]{}, err
	}
	return done(m.Execute(ctx, call.Meta, call.IfMatch, sessions.On(id, EndSession{call.Caller.ID, "revoked"})))
}
