package auth

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// ChangeEmail gives an account another address.
type ChangeEmail struct {
	Email string
	// LoggedIn reports whether the login that asks for it goes on.
	LoggedIn func(User) bool
}

// ErrEmailUnchanged: the account has this address already.
var ErrEmailUnchanged = &es.Error{Kind: es.Rejected, Code: "email-unchanged", Message: "The account has this email address already."}

// Decide implements [es.Command].
func (c ChangeEmail) Decide(u User, _ time.Time) ([]events.Auth, error) {
	if err := u.refusal(); err != nil {
		return nil, err
	}
	switch {
	case !c.LoggedIn(u):
		return nil, errLoggedOut
	case sameAddress(u.Email, c.Email):
		return nil, ErrEmailUnchanged
	}
	return []events.Auth{events.UserEmailChanged{Old: u.Email, New: c.Email}}, nil
}

type changeEmailBody struct {
	Email string `json:"email" schema:"format=email maxLength=254"`
}

func (m *Module) changeEmail(ctx context.Context, call api.Call, in changeEmailBody) (reply api.Reply[api.Changed], err error) {
	var bad api.Invalid
	email := validEmail(&bad, "/email", in.Email)
	if err := bad.Err(); err != nil {
		return reply, err
	}
	loggedIn, err := m.loggedIn(ctx, call)
	if err != nil {
		return reply, err
	}
	return m.change(ctx, call, ChangeEmail{email, loggedIn})
}
