package app

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/auth"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/password"
	"github.com/interview-sandbox/annals/internal/token"
)

// CommandAuth builds functions/command-auth.
func CommandAuth(ctx context.Context, c Config) (*Counted, error) {
	s := newSystem(c)
	return s.command(ctx, "command-auth", func(p parts) ([]api.Route, error) {
		m := &auth.Module{Executor: p.Executor, Views: p.views, Limits: p.limits}
		signing, err := s.signingKeys()
		if err != nil {
			return nil, err
		}
		m.Tokens = tokens{token.Issuer{Keys: signing}}
		return m.Routes(), secrets(ctx, m, p.ring)
	})
}

type passwords struct{ password.Hasher }

func (passwords) Normal(p string) string { return password.Normal(p) }
func (passwords) Common(p string) bool   { return password.Common(p) }

type tokens struct{ issuer token.Issuer }

func (t tokens) Issue(ctx context.Context, caller api.Caller, now time.Time) (string, time.Duration, error) {
	issued, err := t.issuer.Issue(ctx, caller, now)
	return issued, token.Life, err
}

// addressPurpose is that of the secret by which addresses are claimed.
const addressPurpose = "email claims"

// forMailedTokens is the purpose of the secret that mailed tokens are made with.
const forMailedTokens = "mailed tokens"

// pepper names the secret that passwords are hashed with. To replace it give another name here and
// hand the hasher this one among those that were replaced.
const pepper = "1"

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
	seasoning, err := ring.Secret(ctx, "password pepper "+pepper)
	if err != nil {
		return err
	}
	m.Passwords = passwords{password.Hasher{Pepper: password.Pepper{ID: pepper, Secret: seasoning}}}
	return nil
}

// bootstrapActor is who opens the accounts of operators, in their histories.
const bootstrapActor = "system:bootstrap"

// operatorID is the same whenever an operator's account is opened.
func operatorID(email string) string { return es.DeriveID("operator", email) }

// Bootstrap opens the operator's account unless it has been opened already. The error is
// auth.ErrEmailTaken if somebody else has the address.
func Bootstrap(ctx context.Context, c Config, email, secret string) error {
	s := newSystem(c)
	vault, ring, err := s.vault()
	if err != nil {
		return err
	}
	m := &auth.Module{Executor: es.Executor{Repository: s.repository(vault), Now: s.Now}}
	if err := secrets(ctx, m, ring); err != nil {
		return err
	}
	command := es.DeriveID("bootstrap", email)
	_, err = m.Create(ctx, es.Meta{CommandID: command, CorrelationID: command, Actor: bootstrapActor}, nil, auth.CreateUser{
		ID: operatorID(email), Email: email, Name: "Operator", PasswordHash: m.Passwords.Hash(secret), Roles: []string{api.RoleOperator},
	})
	return err
}
