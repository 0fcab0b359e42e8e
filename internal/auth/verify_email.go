package auth

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// VerifyEmail shows that mail to an account's address reaches its owner.
type VerifyEmail struct {
	// IsFor reports whether the mailed token is for this address.
	IsFor func(email string) bool
}

// ErrWrongToken: a mailed token is not valid, or not any more.
var ErrWrongToken = &es.Error{Kind: es.Rejected, Code: "wrong-token", Message: "This token is not valid, or not any more. Ask for another one.", Hides: true}

// Decide implements [es.Command].
func (c VerifyEmail) Decide(u User, _ time.Time) ([]events.Auth, error) {
	switch {
	case u.Status != Active || !c.IsFor(u.Email):
		return nil, ErrWrongToken
	case u.EmailVerified:
		return nil, nil
	}
	return []events.Auth{events.UserEmailVerified{Email: u.Email}}, nil
}

// VerificationToken is what is mailed to an address so that its owner can show to have
// received it before it expires.
func (m *Module) VerificationToken(userID, email string, expires time.Time) string {
	return m.mailed(verification, userID, expires, canonical(email))
}

type verifyEmailBody struct {
	Token string `json:"token" schema:"maxLength=100"`
}

func (m *Module) verifyEmail(ctx context.Context, call api.Call, in verifyEmailBody) (api.Reply[struct{}], error) {
	token, err := m.openMailed(verification, in.Token)
	if err != nil {
		return api.Reply[struct{}]{}, err
	}
	call.Meta.Actor = token.userID
	return done(m.Execute(ctx, call.Meta, call.IfMatch, m.users().On(token.userID, VerifyEmail{func(email string) bool {
		return token.isFor(canonical(email))
	}})))
}
