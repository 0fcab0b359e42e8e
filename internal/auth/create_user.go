package auth

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// CreateUser opens an account.
type CreateUser struct {
	ID, Email, Name, PasswordHash string
	Roles                         []string
}

// ErrUserExists: the account has been opened already, by another command.
var ErrUserExists = &es.Error{Kind: es.Conflict, Code: "user-exists", Message: "This account exists already."}

// Decide implements [es.Command].
func (c CreateUser) Decide(u User, _ time.Time) ([]events.Auth, error) {
	if u.Exists() {
		return nil, ErrUserExists
	}
	decided := []events.Auth{events.UserCreated{UserID: c.ID, Email: c.Email, Name: c.Name, PasswordHash: c.PasswordHash}}
	for _, role := range c.Roles {
		decided = append(decided, events.UserRoleGranted{Role: role})
	}
	return decided, nil
}

type createUserBody struct {
	Email    string `json:"email" schema:"format=email maxLength=254"`
	Password string `json:"password" schema:"minLength=8 maxLength=128" data:"secret"`
	Name     string `json:"name" schema:"minLength=1 maxLength=100"`
}

func (m *Module) createUser(ctx context.Context, call api.Call, in createUserBody) (reply api.Reply[api.Changed], err error) {
	var bad api.Invalid
	email, name := validEmail(&bad, "/email", in.Email), bad.Text("/name", in.Name)
	m.validPassword(&bad, "/password", in.Password, email)
	if err := bad.Err(); err != nil {
		return reply, err
	}
	result, err := m.Create(ctx, call.Meta, call.IfMatch, CreateUser{ID: call.NewID("user"), Email: email, Name: name, PasswordHash: m.Passwords.Hash(in.Password)})
	return api.Created(result, "/auth/users"), err
}

// Create carries out a CreateUser command. The error is [ErrEmailTaken] if another account
// has the address.
func (m *Module) Create(ctx context.Context, meta es.Meta, expect *es.Version, c CreateUser) (es.Result, error) {
	return m.Execute(ctx, meta, expect, m.users().New(c.ID, c))
}
