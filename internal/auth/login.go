package auth

import (
	"cmp"
	"context"
	"errors"
	"strconv"
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
	Email    string `json:"email" schema:"minLength=1 maxLength=254"`
	Password string `json:"password" schema:"minLength=1 maxLength=128"`
}

func (m *Module) login(ctx context.Context, call api.Call, in loginBody) (reply api.Reply[tokensReply], err error) {
	user, err := m.limited(ctx, call, in)
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

// ErrTooManyTries: there have been too many wrong passwords.
var ErrTooManyTries = &es.Error{Kind: es.Limited, Code: "too-many-tries", Message: "There were too many wrong passwords. Wait before the next one."}

// How many wrong passwords are taken in a window of time: for one account from one network
// address, so that nobody can lock an account for others, and for all accounts from there.
const (
	triesWindow   = 15 * time.Minute
	triesOfOne    = 10
	triesOfSource = 100
)

// limited is authenticate with a limit to how often a password may be wrong. Tries at the same
// moment do not see each other, so a few more may be taken.
func (m *Module) limited(ctx context.Context, call api.Call, in loginBody) (User, error) {
	window := m.Now().Truncate(triesWindow)
	end := window.Add(triesWindow)
	source := m.keyed("source " + call.Source)
	names := []string{
		strconv.FormatInt(window.Unix(), 10) + "/" + source + "/" + m.address(in.Email),
		strconv.FormatInt(window.Unix(), 10) + "/" + source,
	}
	wrong, err := m.Tries.Wrong(ctx, names...)
	if err != nil {
		return User{}, err
	}
	if wrong[0] >= triesOfOne || wrong[1] >= triesOfSource {
		refusal := *ErrTooManyTries
		refusal.After = end.Sub(m.Now())
		return User{}, &refusal
	}
	user, err := m.authenticate(ctx, in)
	if errors.Is(err, ErrWrongLogin) {
		if err := m.Tries.Add(ctx, end.Add(triesWindow), names...); err != nil {
			return User{}, err
		}
	}
	return user, err
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
