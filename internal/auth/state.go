package auth

import (
	"slices"
	"strings"

	"github.com/interview-sandbox/annals/events"
)

// User is an account: what the events of a "user#<id>" stream add up to.
type User struct {
	ID           string
	Email        string `data:"personal"`
	PasswordHash string `data:"secret"`
	Roles        []string
}

// Exists reports whether the account has been created.
func (u User) Exists() bool { return u.ID != "" }

// Evolve implements [es.State].
func (u User) Evolve(e events.Auth) User {
	switch e := e.(type) {
	case events.UserCreated:
		u.ID, u.Email, u.PasswordHash = e.UserID, e.Email, e.PasswordHash
	case events.UserEmailChanged:
		u.Email = e.New
	case events.UserPasswordChanged:
		u.PasswordHash = e.PasswordHash
	case events.UserRoleGranted:
		u.Roles = append(slices.Clip(u.Roles), e.Role)
	}
	return u
}

// Claim says who holds an email address: what an "email#<keyed hash>" stream adds up to.
type Claim struct{ UserID string }

// Evolve implements [es.State].
func (c Claim) Evolve(e events.Email) Claim {
	switch e := e.(type) {
	case events.EmailClaimed:
		c.UserID = e.UserID
	case events.EmailReleased:
		c.UserID = ""
	}
	return c
}

// Session is one login: what a "session#<id>" stream adds up to.
type Session struct{ UserID string }

// Evolve implements [es.State].
func (s Session) Evolve(e events.Session) Session {
	if e, ok := e.(events.SessionStarted); ok {
		s.UserID = e.UserID
	}
	return s
}

// sameAddress reports whether two addresses reach the same mailbox. Servers may tell upper
// from lower case, but none that people use does.
func sameAddress(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
