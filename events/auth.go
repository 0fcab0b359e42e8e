package events

import "time"

// Auth is an event on a stream "user#<id>": what happened to one account.
type Auth interface {
	Event
	auth()
}

// Email is an event on a stream "email#<keyed hash of the address>": who holds an address.
// The claim makes addresses unique without a table of its own.
type Email interface {
	Event
	email()
}

// Session is an event on a stream "session#<id>": one login and what became of it.
type Session interface {
	Event
	session()
}

var authEvents = []definition{
	current[UserCreated](),
	current[UserEmailChanged](),
	current[UserEmailVerified](),
	current[UserPasswordChanged](),
	current[EmailClaimed](),
	current[EmailReleased](),
	old[sessionStartedV1]("session.started.v1"),
	current[SessionStarted](),
}

// UserCreated opens an account.
type UserCreated struct {
	UserID       string `json:"userId"`
	Email        string `json:"email" data:"personal"`
	Name         string `json:"name" data:"personal"`
	PasswordHash string `json:"passwordHash" data:"secret"` // PHC string
}

// UserEmailChanged gives an account another address.
type UserEmailChanged struct {
	Old string `json:"old" data:"personal"`
	New string `json:"new" data:"personal"`
}

// UserEmailVerified says that whoever has the account reads what is sent to its address.
type UserEmailVerified struct {
	Email string `json:"email" data:"personal"`
}

// UserPasswordChanged replaces an account's password.
type UserPasswordChanged struct {
	PasswordHash string `json:"passwordHash" data:"secret"` // PHC string
}

// EmailClaimed gives an address to an account.
type EmailClaimed struct {
	UserID string `json:"userId"`
}

// EmailReleased frees an address.
type EmailReleased struct {
	UserID string `json:"userId"`
}

// SessionStarted records a login. The refresh token itself is never stored.
type SessionStarted struct {
	UserID      string    `json:"userId" data:"subject"`
	RefreshHash []byte    `json:"refreshHash" data:"secret"` // SHA-256
	ExpiresAt   time.Time `json:"expiresAt"`
	Client      string    `json:"client" data:"personal"` // the program that logged in, as it calls itself
}

// sessionStartedV1 did not say which program had logged in.
type sessionStartedV1 struct {
	UserID      string    `json:"userId" data:"subject"`
	RefreshHash []byte    `json:"refreshHash" data:"secret"`
	ExpiresAt   time.Time `json:"expiresAt"`
}

func (v sessionStartedV1) upcast() Event {
	return SessionStarted{UserID: v.UserID, RefreshHash: v.RefreshHash, ExpiresAt: v.ExpiresAt, Client: "unknown"}
}

// EventType implements [Event].
func (UserCreated) EventType() string { return "user.created.v1" }

// EventType implements [Event].
func (UserEmailChanged) EventType() string { return "user.email-changed.v1" }

// EventType implements [Event].
func (UserEmailVerified) EventType() string { return "user.email-verified.v1" }

// EventType implements [Event].
func (UserPasswordChanged) EventType() string { return "user.password-changed.v1" }

// EventType implements [Event].
func (EmailClaimed) EventType() string { return "email.claimed.v1" }

// EventType implements [Event].
func (EmailReleased) EventType() string { return "email.released.v1" }

// EventType implements [Event].
func (SessionStarted) EventType() string { return "session.started.v2" }

func (UserCreated) auth()         {}
func (UserEmailChanged) auth()    {}
func (UserEmailVerified) auth()   {}
func (UserPasswordChanged) auth() {}
func (EmailClaimed) email()       {}
func (EmailReleased) email()      {}
func (SessionStarted) session()   {}
