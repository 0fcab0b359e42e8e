package auth

import (
	"cmp"
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// sessionLife is how long a login lasts without being used.
const sessionLife = 30 * 24 * time.Hour

// StartSession records a login.
type StartSession struct {
	UserID      string
	RefreshHash []byte // SHA-256 of the refresh token
	Client      string // the program that logs in, as it calls itself
	Epoch       int    // the account's
}

// Decide implements [es.Command].
func (c StartSession) Decide(_ Session, now time.Time) ([]events.Session, error) {
	return []events.Session{events.SessionStarted{UserID: c.UserID, RefreshHash: c.RefreshHash, ExpiresAt: now.Add(sessionLife), Client: c.Client, Epoch: c.Epoch}}, nil
}

// ErrWrongLogin: there is no account with this address and password. It does not say which
// of them is wrong.
var ErrWrongLogin = &es.Error{Kind: es.Unauthenticated, Code: "wrong-login", Message: "The email address or the password is wrong."}

type loginBody struct {
	Email    string `json:"email" schema:"minLength=1"`
	Password string `json:"password" schema:"minLength=1"`
}

func (m *Module) login(ctx context.Context, call api.Call, in loginBody) (reply api.Reply[tokensReply], err error) {
	var bad api.Invalid
	for pointer, value := range map[string]string{"/email": in.Email, "/password": in.Password} {
		if value == "" {
			bad.Add(pointer, "This is missing.")
		}
	}
	if err := bad.Err(); err != nil {
		return reply, err
	}
	user, err := m.authenticate(ctx, in)
	if err != nil {
		return reply, err
	}
	session, secret := call.NewID("session"), call.Secret("refresh token of "+user.ID)
	call.Meta.Actor = user.ID
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, sessions.New(session, StartSession{user.ID, hashOf(secret), call.Client, user.Epoch}))
	if err != nil {
		return reply, err
	}
	return m.tokens(user, result, secret)
}

// authenticate finds the account with this address and password, which has to be active. Without such an address it
// loads an account that nobody has and compares with no hash, which takes as long.
func (m *Module) authenticate(ctx context.Context, in loginBody) (User, error) {
	claim, err := claims.Load(ctx, &m.Repository, m.address(in.Email))
	if err != nil {
		return User{}, err
	}
	user, err := m.users().Load(ctx, &m.Repository, cmp.Or(claim.State.UserID, "nobody"))
	if err != nil {
		return User{}, err
	}
	if !m.Passwords.Matches(user.State.PasswordHash, in.Password) || user.State.Status != Active {
		return User{}, ErrWrongLogin
	}
	return user.State, nil
}
