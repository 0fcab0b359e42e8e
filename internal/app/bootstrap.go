package app

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/topology"
)

// BootstrapRequest is what somebody invokes functions/bootstrap with.
type BootstrapRequest struct {
	Email string `json:"email"`
}

// BootstrapReply lets whoever reads it set the operator's password with POST
// /auth/password/reset, once. It is answered and written nowhere.
type BootstrapReply struct {
	UserID    string    `json:"userId"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Bootstrapper builds functions/bootstrap, which opens an operator's account with a password that
// nobody knows, and gives a token that sets another one. A repeat finds the account there and
// gives a token again, so that an answer may get lost. The error is auth.ErrEmailTaken if
// somebody else has the address.
func Bootstrapper(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	vault, ring, err := s.vault()
	if err != nil {
		return nil, err
	}
	m := &auth.Module{Executor: es.Executor{Repository: s.repository(vault), Now: s.Now}}
	if m.MailKey, err = ring.Secret(ctx, forMailedTokens); err != nil {
		return nil, err
	}
	open := func(ctx context.Context, in BootstrapRequest) (out BootstrapReply, err error) {
		if err := auth.CheckEmail(in.Email); err != nil {
			return out, err
		}
		if err := Bootstrap(ctx, c, in.Email, rand.Text()); err != nil && !errors.Is(err, auth.ErrUserExists) {
			return out, err
		}
		out.UserID = operatorID(in.Email)
		command := es.NewID(s.Now(), s.Rand)
		out.Token, out.ExpiresAt, err = m.ResetByHand(ctx, es.Meta{CommandID: command, CorrelationID: command, Actor: bootstrapActor}, out.UserID)
		return out, err
	}
	return s.counted(topology.Bootstrap, handler[BootstrapRequest, BootstrapReply](open)), nil
}
