package auth

import (
	"cmp"
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// sessionLife is how long a login lasts without being used.
const sessionLife = 30 * 24 * time.Hour

// StartSession records a login.
type StartSession struct {
	UserID      string
	RefreshHash []byte // SHA-256 of the refresh token
	Client      string // the program that logs in, as it calls itself
	Epoch       int    // the account's
}

// Decide implements [es.Command].
func (c StartSession) Decide(s Session, now time.Time) ([]events.Session, error) {
	if s.UserID != "" { // the key of a login that is long past
		return nil, es.ErrKeyReused
	}
	return []events.Session{events.SessionStarted{UserID: c.UserID, RefreshHash: c.RefreshHash, ExpiresAt: now.Add(sessionLife), Client: c.Client, Epoch: c.Epoch}}, nil
}

// ErrWrongLogin: there is no account with this address and password. It does not say which
// of them is wrong.
var ErrWrongLogin = &es.Error{Kind: es.Unauthenticated, Code: "wrong-login", Message: "The email address or the password is wrong."}

type loginBody struct {
	Email    string `json:"email" schema:"minLength=1 maxLength=254"`
	Password string `json:"password" schema:"minLength=1 maxLength=128" data:"secret"`
}

func (m *Module) login(ctx context.Context, call api.Call, in loginBody) (reply api.Reply[tokensReply], err error) {
	user, err := m.limited(ctx, call, in)
	if err != nil {
		return reply, err
	}
	session, secret := call.NewID("session of "+user.ID), call.Secret("refresh token of "+user.ID)
	call.Meta.Actor = user.ID
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, sessions.New(session, StartSession{user.ID, hashOf(secret), call.Client, user.Epoch}))
	if err != nil {
		return reply, err
	}
	reply, err = m.tokens(ctx, user, session, secret)
	reply.Version, reply.Replay = result.Version, result.Replay
	return reply, err
}

// How many wrong passwords are taken. The first limit is for one account from one network, so
// that nobody can lock an account for others; the second for all accounts from there. The third
// is for one account from all networks, which an attacker may have many of: NIST SP 800-63B,
// 5.2.2, wants no more than a hundred. Both let networks pass from which the account was
// logged in before, so that its owner is not locked out by others. What remains: while an account is
// attacked from several networks, its owner gets in from a new one only after the hour, or
// with a mailed token, by which the network becomes known; and whoever attacks it so and shares a
// network with its owner finds out that somebody there has it.
var (
	wrongFromNetwork = api.Limit{What: "wrong passwords for an account from a network", Most: 10, Window: 15 * time.Minute}
	wrongOfNetwork   = api.Limit{What: "wrong passwords from a network", Most: 100, Window: 15 * time.Minute}
	wrongForAccount  = api.Limit{What: "wrong passwords for an account", Most: 100, Window: time.Hour}
)

// limited is authenticate with limits to how often a password may be wrong. Every try counts as
// wrong until it turns out to be right. The limit of one account from one network comes first,
// alone: whoever has reached it cannot use up the others.
func (m *Module) limited(ctx context.Context, call api.Call, in loginBody) (User, error) {
	address, network := m.address(in.Email), call.Network()
	known := m.knownNetwork(address, network)
	uses := []api.Use{
		m.Limits.Use(wrongFromNetwork, address, network),
		m.Limits.Use(wrongOfNetwork, network),
		m.Limits.Use(wrongForAccount, address),
	}
	for i := range uses[1:] {
		uses[i+1].Unless = func(ctx context.Context) (bool, error) { return m.Limits.Remembers(ctx, known) }
	}
	if err := m.Limits.Take(ctx, uses[0]); err != nil {
		return User{}, err
	}
	if err := m.Limits.Take(ctx, uses[1], uses[2]); err != nil {
		return User{}, err
	}
	user, err := m.authenticate(ctx, call, in)
	if err != nil {
		return User{}, err
	}
	return user, m.Limits.GiveBack(ctx, uses, known)
}

// knownFor is how long after a login its network is known to be one of the account's owner.
const knownFor = 90 * 24 * time.Hour

func (m *Module) knownNetwork(address, network string) api.Count {
	return m.Limits.Memory("networks of an account", address+" "+network, knownFor)
}

// loadTime is how long it takes at least to find out what there is to an address. That needs one
// more round trip or two where keys or snapshots have to be loaded, and with that tells whether
// there is an account.
const loadTime = 25 * time.Millisecond

// authenticate finds the account with this address and password, which has to be active. Without
// such an address it loads an account that nobody has and compares with no hash, which takes as
// long.
func (m *Module) authenticate(ctx context.Context, call api.Call, in loginBody) (User, error) {
	loaded := time.NewTimer(loadTime)
	claim, err := claims.Load(ctx, &m.Repository, m.address(in.Email))
	if err != nil {
		return User{}, err
	}
	user, err := m.users().Load(ctx, &m.Repository, cmp.Or(claim.State.UserID, "nobody"))
	if err != nil {
		return User{}, err
	}
	<-loaded.C
	matches, today := m.Passwords.Matches(user.State.PasswordHash, in.Password)
	if !matches || user.State.Status != Active {
		return User{}, ErrWrongLogin
	}
	if !today {
		err = m.rehash(ctx, call, user.State, in.Password)
	}
	return user.State, err
}
