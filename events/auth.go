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
	current[UserPasswordChanged](),
	current[UserPasswordRehashed](),
	current[UserEmailVerified](),
	current[UserVerificationRequested](),
	current[UserPasswordResetRequested](),
	current[UserSessionsEnded](),
	current[UserAddressReleased](),
	current[EmailClaimed](),
	current[EmailReleased](),
	old[sessionStartedV1]("session.started.v1"),
	old[sessionStartedV2]("session.started.v2"),
	current[SessionStarted](),
	current[SessionRefreshed](),
	current[SessionEnded](),
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

// UserPasswordChanged replaces an account's password.
type UserPasswordChanged struct {
	PasswordHash string `json:"passwordHash" data:"secret"` // PHC string
}

// UserPasswordRehashed replaces the hash of a password that stays as it is.
type UserPasswordRehashed struct {
	PasswordHash string `json:"passwordHash" data:"secret"` // PHC string
}

// UserEmailVerified records that mail to an address reaches the account's owner.
type UserEmailVerified struct {
	Email string `json:"email" data:"personal"`
}

// UserVerificationRequested asks for another mail with a token that verifies the account's address.
type UserVerificationRequested struct {
	At time.Time `json:"at"` // it is not asked for again at once
}

// UserPasswordResetRequested lets whoever receives the account's mail set another password.
type UserPasswordResetRequested struct {
	RequestID string    `json:"requestId"` // goes into the mailed token
	ExpiresAt time.Time `json:"expiresAt"`
}

// UserSessionsEnded ends all logins that there are, but maybe one.
type UserSessionsEnded struct {
	Except string `json:"except"` // a session's id; "": none
	Reason string `json:"reason"` // "logout-all", "password-changed", "password-reset", "suspended", "erasure"
}

// UserAddressReleased frees the address of a person who is being erased.
type UserAddressReleased struct {
	Email string `json:"email" data:"personal"`
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
	Epoch       int       `json:"epoch"`                  // how often the account's logins had all been ended before
}

// SessionRefreshed replaces a login's refresh token.
type SessionRefreshed struct {
	RefreshHash []byte    `json:"refreshHash" data:"secret"` // SHA-256
	At          time.Time `json:"at"`
	ExpiresAt   time.Time `json:"expiresAt"`
}

// SessionEnded ends a login.
type SessionEnded struct {
	Reason string `json:"reason"` // "logout", "revoked", "erased", "reused": an old refresh token was used again, "used-up": it was refreshed as often as one may be
}

// sessionStartedV2 was of a time when logins were not ended all at once.
type sessionStartedV2 struct {
	UserID      string    `json:"userId" data:"subject"`
	RefreshHash []byte    `json:"refreshHash" data:"secret"`
	ExpiresAt   time.Time `json:"expiresAt"`
	Client      string    `json:"client" data:"personal"`
}

func (v sessionStartedV2) upcast() Event {
	return SessionStarted{UserID: v.UserID, RefreshHash: v.RefreshHash, ExpiresAt: v.ExpiresAt, Client: v.Client}
}

// sessionStartedV1 did not say which program had logged in.
type sessionStartedV1 struct {
	UserID      string    `json:"userId" data:"subject"`
	RefreshHash []byte    `json:"refreshHash" data:"secret"`
	ExpiresAt   time.Time `json:"expiresAt"`
}

func (v sessionStartedV1) upcast() Event {
	return sessionStartedV2{UserID: v.UserID, RefreshHash: v.RefreshHash, ExpiresAt: v.ExpiresAt, Client: "unknown"}.upcast()
}

// EventType implements [Event].
func (UserCreated) EventType() string { return "user.created.v1" }

// EventType implements [Event].
func (UserEmailChanged) EventType() string { return "user.email-changed.v1" }

// EventType implements [Event].
func (UserPasswordChanged) EventType() string { return "user.password-changed.v1" }

// EventType implements [Event].
func (UserPasswordRehashed) EventType() string { return "user.password-rehashed.v1" }

// EventType implements [Event].
func (EmailClaimed) EventType() string { return "email.claimed.v1" }

// EventType implements [Event].
func (EmailReleased) EventType() string { return "email.released.v1" }

// EventType implements [Event].
func (SessionStarted) EventType() string { return "session.started.v3" }

// EventType implements [Event].
func (SessionRefreshed) EventType() string { return "session.refreshed.v1" }

// EventType implements [Event].
func (SessionEnded) EventType() string { return "session.ended.v1" }

// EventType implements [Event].
func (UserEmailVerified) EventType() string { return "user.email-verified.v1" }

// EventType implements [Event].
func (UserVerificationRequested) EventType() string { return "user.verification-requested.v1" }

// EventType implements [Event].
func (UserPasswordResetRequested) EventType() string { return "user.password-reset-requested.v1" }

// EventType implements [Event].
func (UserSessionsEnded) EventType() string { return "user.sessions-ended.v1" }

// EventType implements [Event].
func (UserAddressReleased) EventType() string { return "user.address-released.v1" }

func (UserCreated) auth()                {}
func (UserEmailChanged) auth()           {}
func (UserPasswordChanged) auth()        {}
func (UserPasswordRehashed) auth()       {}
func (UserEmailVerified) auth()          {}
func (UserVerificationRequested) auth()  {}
func (UserPasswordResetRequested) auth() {}
func (UserSessionsEnded) auth()          {}
func (UserAddressReleased) auth()        {}
func (EmailClaimed) email()              {}
func (EmailReleased) email()             {}
func (SessionRefreshed) session()        {}
func (SessionEnded) session()            {}
func (SessionStarted) session()          {}
