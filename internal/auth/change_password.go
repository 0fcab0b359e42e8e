package auth

import (
	"context"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// ChangePassword replaces an account's password and ends all other logins.
type ChangePassword struct {
	IsCurrent func(hash string) bool // reports whether the caller knows the present password
	NewHash   func() string
	LoggedIn  func(User) bool // reports whether the caller's login goes on
	Session   string          // the caller's, which is spared
}

// wrongCurrent is how often somebody may be wrong about the present password. It is counted for
// each login, so that whoever has stolen one does not lock its owner out.
var wrongCurrent = api.Limit{What: "wrong current passwords", Most: 10, Window: 15 * time.Minute}

// ErrWrongPassword: the caller does not know the present password.
var ErrWrongPassword = &es.Error{Kind: es.Rejected, Code: "wrong-password", Message: "The current password is not right."}

// Decide implements [es.Command].
func (c ChangePassword) Decide(u User, _ time.Time) ([]events.Auth, error) {
	if err := u.refusal(); err != nil {
		return nil, err
	}
	switch {
	case !c.LoggedIn(u):
		return nil, errLoggedOut
	case !c.IsCurrent(u.PasswordHash):
		return nil, ErrWrongPassword
	}
	return []events.Auth{
		events.UserPasswordChanged{PasswordHash: c.NewHash()},
		events.UserSessionsEnded{Except: c.Session, Reason: "password-changed"},
	}, nil
}

type changePasswordBody struct {
	Current string `json:"current" schema:"maxLength=128" data:"secret"`
	New     string `json:"new" schema:"minLength=8 maxLength=128" data:"secret"`
}

func (m *Module) changePassword(ctx context.Context, call api.Call, in changePasswordBody) (reply api.Reply[api.Changed], err error) {
	var bad api.Invalid
	m.validPassword(&bad, "/new", in.New, "")
	if err := bad.Err(); err != nil {
		return reply, err
	}
	use := m.Limits.Use(wrongCurrent, call.Caller.ID, call.Caller.Session)
	if err := m.Limits.Take(ctx, use); err != nil {
		return reply, err
	}
	loggedIn, err := m.loggedIn(ctx, call)
	if err != nil {
		return reply, err
	}
	// A command may be decided more than once, and hashing is what takes its time.
	known := map[string]bool{}
	reply, err = m.change(ctx, call, ChangePassword{
		IsCurrent: func(hash string) bool {
			if _, ok := known[hash]; !ok {
				known[hash], _ = m.Passwords.Matches(hash, in.Current)
			}
			return known[hash]
		},
		NewHash:  sync.OnceValue(func() string { return m.Passwords.Hash(in.New) }),
		LoggedIn: loggedIn,
		Session:  call.Caller.Session,
	})
	if err != nil {
		return reply, err
	}
	return reply, m.Limits.GiveBack(ctx, []api.Use{use})
}
