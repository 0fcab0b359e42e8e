package auth

import (
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// User is an account: what the events of a "user#<id>" stream add up to.
type User struct {
	ID            string
	Status        Status
	Email         string `data:"personal"`
	EmailVerified bool
	PasswordHash  string `data:"secret"`
	Roles         []string
	VerifyAskedAt time.Time // when the last mail that verifies the address was asked for
	Reset         Reset
	// Epoch counts how often all logins were ended at once. One from an earlier epoch has
	// ended, unless it is the Spared one.
	Epoch  int
	Spared string
	// Released: the address is not the account's any more.
	Released bool
}

// Status is what has become of an account.
type Status string

// What an account can be. Only an active one lets anybody in.
const (
	Active    Status = "active"
	Suspended Status = "suspended"
	Erasing   Status = "erasing"
	Erased    Status = "erased"
)

// Reset is what a forgotten password can be replaced with; its zero value is nothing.
type Reset struct {
	RequestID string
	ExpiresAt time.Time
}

// Exists reports whether the account has been created.
func (u User) Exists() bool { return u.ID != "" }

// refusal says why a command on the account is refused whatever it wants; nil: it is not.
func (u User) refusal() error {
	switch u.Status {
	case "":
		return ErrNotFound
	case Suspended:
		return ErrSuspended
	case Erasing, Erased:
		return es.ErrErased
	}
	return nil
}

// Evolve implements [es.State].
func (u User) Evolve(e events.Auth) User {
	switch e := e.(type) {
	case events.UserCreated:
		u.ID, u.Email, u.PasswordHash, u.Status = e.UserID, e.Email, e.PasswordHash, Active
	case events.UserEmailChanged:
		u.Email, u.EmailVerified, u.Reset = e.New, false, Reset{} // its mail went to the address before
	case events.UserEmailVerified:
		u.EmailVerified = true
	case events.UserVerificationRequested:
		u.VerifyAskedAt = e.At
	case events.UserPasswordResetRequested:
		u.Reset = Reset{e.RequestID, e.ExpiresAt}
	case events.UserPasswordChanged:
		u.PasswordHash, u.Reset = e.PasswordHash, Reset{}
	case events.UserPasswordRehashed:
		u.PasswordHash = e.PasswordHash
	case events.UserSessionsEnded:
		u.Epoch, u.Spared = u.Epoch+1, e.Except
	case events.UserRoleGranted:
		u.Roles = append(slices.Clip(u.Roles), e.Role)
	case events.UserRoleRevoked:
		u.Roles = slices.DeleteFunc(slices.Clone(u.Roles), func(role string) bool { return role == e.Role })
	case events.UserSuspended:
		u.Status = Suspended
	case events.UserReactivated:
		u.Status = Active
	case events.UserErasureRequested:
		u.Status = Erasing
	case events.UserAddressReleased:
		u.Released = true
	case events.UserErased:
		u.Status = Erased
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

// keeps reports whether a login is one that the account has not ended together with others.
func (u User) keeps(id string, s Session) bool {
	return u.Status == Active && (s.Epoch == u.Epoch || id == u.Spared)
}

// Session is one login: what a "session#<id>" stream adds up to.
type Session struct {
	UserID      string
	Epoch       int    // the account's when it began
	RefreshHash []byte `data:"secret"` // SHA-256 of the refresh token
	Refreshed   int    // how many refresh tokens there were before
	RefreshedAt time.Time
	ExpiresAt   time.Time
	Ended       bool
}

// lives reports whether the login can still be used.
func (s Session) lives(now time.Time) bool {
	return s.UserID != "" && !s.Ended && now.Before(s.ExpiresAt)
}

// Evolve implements [es.State].
func (s Session) Evolve(e events.Session) Session {
	switch e := e.(type) {
	case events.SessionStarted:
		s.UserID, s.Epoch, s.RefreshHash, s.ExpiresAt = e.UserID, e.Epoch, e.RefreshHash, e.ExpiresAt
	case events.SessionRefreshed:
		s.RefreshHash, s.RefreshedAt, s.ExpiresAt = e.RefreshHash, e.At, e.ExpiresAt
		s.Refreshed++
	case events.SessionEnded:
		s.Ended = true
	}
	return s
}

// sameAddress reports whether two addresses reach the same mailbox. Servers may tell upper
// from lower case, but none that people use does.
func sameAddress(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(address string) string { return strings.ToLower(strings.TrimSpace(address)) }
