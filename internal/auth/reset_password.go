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

// resetsOfAddress is how often resets are asked for about one address, whether an account has it
// or not. Whoever uses it up for its owner has had tokens mailed to the owner that are good for as
// long.
var resetsOfAddress = api.Limit{What: "password resets", Most: 10, Window: resetLife}

// ResetToken is what is mailed to an account's address after a reset was asked for.
func (m *Module) ResetToken(userID, requestID string, expires time.Time) string {
	return m.mailed(reset, userID, expires, requestID)
}

// ResetByHand gives what would be mailed after a reset was asked for, and until when it is good,
// for whoever hands it to the account's owner. If one was asked for less than a minute ago, it is
// the same as then.
func (m *Module) ResetByHand(ctx context.Context, meta es.Meta, userID string) (token string, expires time.Time, err error) {
	if _, err := m.Execute(ctx, meta, nil, m.users().On(userID, RequestPasswordReset{meta.CommandID})); err != nil {
		return "", time.Time{}, err
	}
	account, err := m.users().Load(ctx, &m.Repository, userID)
	if err != nil {
		return "", time.Time{}, err
	}
	asked := account.State.Reset
	return m.ResetToken(userID, asked.RequestID, asked.ExpiresAt), asked.ExpiresAt, nil
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
	if err := m.Limits.Take(ctx, m.Limits.Use(resetsOfAddress, m.address(email))); err != nil {
		return reply, err
	}
	// Whether there is an account is to be told neither by the time this takes nor by a key that
	// was used before.
	answered := time.NewTimer(loadTime)
	defer func() { <-answered.C }()
	call.Meta.Fingerprint = nil
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
	New   string `json:"new" schema:"minLength=8 maxLength=128" data:"secret"`
}

func (m *Module) resetPassword(ctx context.Context, call api.Call, in resetBody) (reply api.Reply[struct{}], err error) {
	var bad api.Invalid
	m.validPassword(&bad, "/new", in.New, "")
	if err := bad.Err(); err != nil {
		return reply, err
	}
	token, err := m.openMailed(reset, in.Token)
	if err != nil {
		return reply, err
	}
	call.Meta.Actor = token.userID
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, m.users().On(token.userID, ResetPassword{
		IsFor:   token.isFor,
		NewHash: sync.OnceValue(func() string { return m.Passwords.Hash(in.New) }),
	}))
	if err != nil {
		return reply, err
	}
	user, err := m.users().Load(ctx, &m.Repository, token.userID)
	if err != nil {
		return reply, err
	}
	known := m.knownNetwork(m.address(user.State.Email), call.Network())
	return done(result, m.Limits.GiveBack(ctx, nil, known))
}
