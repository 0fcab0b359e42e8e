package auth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// resetLife is how long a forgotten password can be replaced after that was asked for.
const resetLife = time.Hour

// resetPause is how long after that it is not asked for again: anybody can ask, and each time
// a mail is sent.
const resetPause = time.Minute

// RequestPasswordReset lets whoever receives an account's mail set another password. It does
// nothing if that was asked for a moment ago.
type RequestPasswordReset struct{ RequestID string }

// Decide implements [es.Command].
func (c RequestPasswordReset) Decide(u User, now time.Time) ([]events.Auth, error) {
	if err := u.refusal(); err != nil {
		return nil, err
	}
	if asked := u.Reset.ExpiresAt.Add(-resetLife); u.Reset.RequestID != "" && now.Before(asked.Add(resetPause)) {
		return nil, nil
	}
	return []events.Auth{events.UserPasswordResetRequested{RequestID: c.RequestID, ExpiresAt: now.Add(resetLife)}}, nil
}

// ResetPassword replaces a forgotten password and ends all logins.
type ResetPassword struct {
	// IsFor reports whether the mailed token is for this request.
	IsFor   func(requestID string) bool
	NewHash func() string
}

// Decide implements [es.Command].
func (c ResetPassword) Decide(u User, now time.Time) ([]events.Auth, error) {
	if u.Status != Active || u.Reset.RequestID == "" || !now.Before(u.Reset.ExpiresAt) || !c.IsFor(u.Reset.RequestID) {
		return nil, ErrWrongToken
	}
	decided := []events.Auth{events.UserPasswordChanged{PasswordHash: c.NewHash()}, events.UserSessionsEnded{Reason: "password-reset"}}
	if !u.EmailVerified {
		decided = append(decided, events.UserEmailVerified{Email: u.Email}) // the token came by mail
	}
	return decided, nil
}

// ResetToken is what is mailed to an account's address after a reset was asked for.
func (m *Module) ResetToken(userID, requestID string, expires time.Time) string {
	return m.mailed(reset, userID, expires, requestID)
}

type forgotBody struct {
	Email string `json:"email" schema:"format=email maxLength=254"`
}

// forgotPassword answers the same whether there is an account or not.
func (m *Module) forgotPassword(ctx context.Context, call api.Call, in forgotBody) (reply api.Reply[struct{}], err error) {
	reply.Status = http.StatusAccepted
	var bad api.Invalid
	email := validEmail(&bad, "/email", in.Email)
	if err := bad.Err(); err != nil {
		return reply, err
	}
	claim, err := claims.Load(ctx, &m.Repository, m.address(email))
	if err != nil || claim.State.UserID == "" {
		return reply, err
	}
	_, err = m.Execute(ctx, call.Meta, nil, m.users().On(claim.State.UserID, RequestPasswordReset{call.NewID("password reset")}))
	if errors.Is(err, ErrSuspended) || errors.Is(err, es.ErrErased) {
		err = nil
	}
	return reply, err
}

type resetBody struct {
	Token string `json:"token" schema:"maxLength=100"`
	New   string `json:"new" schema:"minLength=8 maxLength=128"`
}

func (m *Module) resetPassword(ctx context.Context, call api.Call, in resetBody) (reply api.Reply[struct{}], err error) {
	var bad api.Invalid
	validPassword(&bad, "/new", in.New, "")
	if err := bad.Err(); err != nil {
		return reply, err
	}
	token, err := m.openMailed(reset, in.Token)
	if err != nil {
		return reply, err
	}
	call.Meta.Actor = token.userID
	return done(m.Execute(ctx, call.Meta, call.IfMatch, m.users().On(token.userID, ResetPassword{
		IsFor:   token.isFor,
		NewHash: sync.OnceValue(func() string { return m.Passwords.Hash(in.New) }),
	})))
}
