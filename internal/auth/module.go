// Package auth is the module of accounts and logins. state.go has its aggregates, every
// other file one command, one read model with its route, or one reactor.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the auth routes.
type Module struct {
	es.Executor
	Views      *projection.Reader
	AddressKey []byte // keys the hashes that addresses are claimed under
	RefreshKey []byte // keys the hashes that refresh tokens follow each other by
	MailKey    []byte // keys the hashes in mailed tokens
	Passwords  Passwords
	Tokens     Tokens
	Limits     *api.Limiter
	PublicKeys PublicKeys // for queries only
}

// Passwords hashes passwords.
type Passwords interface {
	Hash(password string) string
	// Matches reports whether a hash is of the password, and if so, whether it is made as they
	// are today. It takes equally long for a wrong password and for no hash at all.
	Matches(hash, password string) (matches, today bool)
	// Normal is the form in which a password's characters are counted.
	Normal(password string) string
	// Common reports whether anybody would try a password first.
	Common(password string) bool
}

// Tokens issues access tokens.
type Tokens interface {
	Issue(ctx context.Context, caller api.Caller, now time.Time) (token string, life time.Duration, err error)
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Query("GET /.well-known/jwks.json", api.Public, m.keySet).
			Does("Gives the keys that access tokens are signed with."),
		api.Command("POST /auth/users", api.Public, m.createUser).
			Does("Opens an account. A password that anybody would try first is refused.").AtMost(100, time.Hour).Gives(201).Refuses(api.ErrInvalid, ErrEmailTaken),
		api.Command("POST /auth/users/{id}/email", api.Self, m.changeEmail).
			Does("Gives an account another address, which no other account may have.").AtMost(30, time.Hour).Refuses(api.ErrInvalid, ErrEmailUnchanged, ErrEmailTaken, ErrSuspended),
		api.Command("POST /auth/users/{id}/password", api.Self, m.changePassword).
			Does("Replaces an account's password and ends its other logins.").Refuses(api.ErrInvalid, ErrWrongPassword, ErrSuspended, api.ErrTooManyTries),
		api.Command("POST /auth/login", api.Public, m.login).
			Does("Gives the tokens of a new login: one for access, good for 10 minutes, and one for new ones.").Refuses(api.ErrInvalid, ErrWrongLogin, api.ErrTooManyTries),
		api.Command("POST /auth/token", api.Public, m.refresh).
			Does("Gives new tokens for a refresh token. One that was replaced more than ten seconds ago ends its login.").Refuses(ErrWrongRefreshToken),
		api.Query("GET /auth/sessions", api.SignedIn, m.listSessions).
			Does("Lists one's own logins, newest first. A page may have fewer than asked for, and more after it.").Takes(api.Paged),
		api.Command("POST /auth/logout", api.SignedIn, m.logout).
			Does("Ends the login that the token is of. Access tokens that are there work until they expire."),
		api.Command("POST /auth/logout-all", api.SignedIn, m.logoutAll).
			Does("Ends all of one's own logins.").Refuses(ErrSuspended),
		api.Command("DELETE /auth/sessions/{id}", api.SignedIn, m.deleteSession).
			Does("Ends one of one's own logins."),
		api.Command("POST /auth/email/verify", api.Public, m.verifyEmail).
			Does("Verifies an account's address with a mailed token.").Refuses(ErrWrongToken),
		api.Command("POST /auth/email/verification", api.SignedIn, m.requestVerification).
			Does("Has another token mailed that verifies one's address, once in a minute, unless it is verified.").AtMost(10, time.Hour).Gives(202).Refuses(ErrSuspended),
		api.Command("POST /auth/password/forgot", api.Public, m.forgotPassword).
			Does("Has a token mailed with which another password can be set, if there is such an account.").AtMost(30, time.Hour).Gives(202).Refuses(api.ErrInvalid),
		api.Command("POST /auth/password/reset", api.Public, m.resetPassword).
			Does("Sets another password with a mailed token and ends all logins.").Refuses(api.ErrInvalid, ErrWrongToken),
	}
}

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection {
	return []projection.Projection{
		&Sessions,
		projection.Snapshots(m.users().Snapshotter(&m.Repository)),
		projection.Snapshots(sessions.Snapshotter(&m.Repository)),
	}
}

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection { return []projection.Projection{m.releasing()} }

// Aggregates lists what the module's streams add up to.
func (m *Module) Aggregates() []es.Folder {
	return []es.Folder{m.users(), &claims, &sessions}
}

var (
	claims = es.Aggregate[Claim, events.Email]{Category: "email", Reducer: 1}
	// Each refresh is an event, so a login that goes on for a year has tens of thousands.
	sessions = es.Aggregate[Session, events.Session]{Category: "session", Reducer: 1, Subject: func(s Session) string { return s.UserID }}
)

// users is the aggregate of accounts. Whatever changes an account's address claims it in
// the same transaction, which is what makes addresses unique.
func (m *Module) users() *es.Aggregate[User, events.Auth] {
	return &es.Aggregate[User, events.Auth]{
		Category: "user",
		Reducer:  5,
		Subject:  func(u User) string { return u.ID },
		Coupled: func(s es.Stream, decided []events.Auth) (steps []es.Step) {
			for _, e := range decided {
				switch e := e.(type) {
				case events.UserCreated:
					steps = append(steps, claims.New(m.address(e.Email), ClaimEmail{s.ID()}))
				case events.UserEmailChanged:
					steps = append(steps,
						claims.On(m.address(e.Old), ReleaseEmail{s.ID()}),
						claims.New(m.address(e.New), ClaimEmail{s.ID()}))
				case events.UserAddressReleased:
					steps = append(steps, claims.On(m.address(e.Email), ReleaseEmail{s.ID()}))
				}
			}
			return steps
		},
	}
}

// address is the id under which an address is claimed: without the key nobody can tell from
// it which address it is.
func (m *Module) address(email string) string { return m.keyed(canonical(email)) }

func (m *Module) keyed(text string) string {
	mac := hmac.New(sha256.New, m.AddressKey)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// change carries out a command on the account that the call's path names.
func (m *Module) change(ctx context.Context, call api.Call, c es.Command[User, events.Auth]) (api.Reply[api.Changed], error) {
	id, err := call.ID()
	if err != nil {
		return api.Reply[api.Changed]{}, err
	}
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, m.users().On(id, c))
	return api.Accepted(result), err
}

// loggedIn gives what reports whether the login that a call's access token is of goes on. A token outlives
// its login by some minutes, in which whoever has stolen it must not take the account from an owner who
// has just ended all logins, nor have the owner's next password spare the one that was stolen.
func (m *Module) loggedIn(ctx context.Context, call api.Call) (func(User) bool, error) {
	login, err := sessions.Load(ctx, &m.Repository, call.Caller.Session)
	return func(u User) bool {
		return login.State.UserID == u.ID && login.State.lives(m.Now()) && u.keeps(call.Caller.Session, login.State)
	}, err
}

// The refusals of commands on accounts.
var (
	// ErrNotFound: there is no such account.
	ErrNotFound = api.ErrNotFound
	// ErrSuspended: the account is suspended. Of one that is being erased, [es.ErrErased].
	ErrSuspended = &es.Error{Kind: es.Forbidden, Code: "suspended", Message: "This account is suspended."}
	// errLoggedOut: the login that the access token is of has ended.
	errLoggedOut = &es.Error{Kind: es.Unauthenticated, Code: api.ErrUnauthenticated.Code, Message: "This login has ended. Log in again."}
)
