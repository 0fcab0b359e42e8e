package app

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/password"
	"github.com/interview-sandbox/annals/internal/token"
)

// CommandAuth builds functions/command-auth.
func CommandAuth(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-auth", func(p parts) ([]api.Route, error) {
		m := &auth.Module{Executor: p.Executor, Views: p.views, Tries: &dynamo.Tries{Client: s.dynamodb, Table: s.table("Tries")}}
		return m.Routes(), secrets(ctx, m, p.ring)
	})
}

type passwords struct{}

func (passwords) Hash(p string) string        { return password.Hash(p) }
func (passwords) Matches(hash, p string) bool { return password.Matches(hash, p) }

type tokens struct{ key ed25519.PrivateKey }

func (t tokens) Issue(caller api.Caller, now time.Time) (string, time.Duration, error) {
	issued, err := (&token.Issuer{Key: t.key}).Issue(caller, now)
	return issued, token.Life, err
}

// addressPurpose is that of the secret by which addresses are claimed.
const addressPurpose = "email claims"

// forMailedTokens is the purpose of the secret that mailed tokens are made with.
const forMailedTokens = "mailed tokens"

// secrets gives the auth module what its commands need.
func secrets(ctx context.Context, m *auth.Module, ring *keys.Ring) error {
	for purpose, secret := range map[string]*[]byte{
		addressPurpose: &m.AddressKey, "refresh tokens": &m.RefreshKey, forMailedTokens: &m.MailKey,
	} {
		var err error
		if *secret, err = ring.Secret(ctx, purpose); err != nil {
			return err
		}
	}
	signing, err := ring.Signing(ctx)
	m.Passwords, m.Tokens = passwords{}, tokens{signing}
	return err
}

// bootstrapActor is who opens the accounts of operators, in their histories.
const bootstrapActor = "system:bootstrap"

// operatorID is the same whenever an operator's account is opened.
func operatorID(email string) string { return es.DeriveID("operator", email) }

// Bootstrap opens the operator's account unless it has been opened already. The error is
// auth.ErrEmailTaken if somebody else has the address.
func Bootstrap(ctx context.Context, c Config, email, secret string) error {
	s := newSystem(c)
	ring, err := s.ring()
	if err != nil {
		return err
	}
	vault, err := ring.Subjects(s.Now)
	if err != nil {
		return err
	}
	m := &auth.Module{Executor: es.Executor{Repository: s.repository(vault), Now: s.Now}}
	if err := secrets(ctx, m, ring); err != nil {
		return err
	}
	command := es.DeriveID("bootstrap", email)
	_, err = m.Create(ctx, es.Meta{CommandID: command, CorrelationID: command, Actor: bootstrapActor}, nil, auth.CreateUser{
		ID: operatorID(email), Email: email, Name: "Operator", PasswordHash: password.Hash(secret), Roles: []string{api.RoleOperator},
	})
	return err
}
