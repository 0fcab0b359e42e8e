package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// RefreshSession replaces a login's refresh token by the next one. A token that has been
// replaced is a sign that somebody has stolen it, or what came after it, so it ends the
// login (RFC 9700, 4.14.2), unless it was replaced a moment ago: then it is another tab of
// the same browser, and gets the same next token.
type RefreshSession struct {
	Secret []byte                     // of the token
	Next   func(secret []byte) []byte // gives the secret of the token that comes after
}

// grace is how long a replaced refresh token is still taken for the one that replaced it.
const grace = 10 * time.Second

// maxRefreshes is how many times a login is refreshed, which is for two months if that is every ten
// minutes. Whether a token was one of a login takes a step for each, and anybody may ask. It is no way
// out to look at the newest tokens only: a thief could go on until that of the owner counts for nothing.
const maxRefreshes = 10_000

// ErrWrongRefreshToken: there is no login that goes on with this token.
var ErrWrongRefreshToken = &es.Error{Kind: es.Unauthenticated, Code: "wrong-refresh-token", Message: "This refresh token is not valid, or not any more. Log in again."}

// Decide implements [es.Command].
func (c RefreshSession) Decide(s Session, now time.Time) ([]events.Session, error) {
	age, known := c.age(s)
	switch {
	case !s.lives(now) || !known:
		return nil, ErrWrongRefreshToken
	case age == 0 && s.Refreshed >= maxRefreshes:
		return []events.Session{events.SessionEnded{Reason: "used-up"}}, nil
	case age == 0:
		return []events.Session{events.SessionRefreshed{RefreshHash: hashOf(c.Next(c.Secret)), At: now, ExpiresAt: now.Add(sessionLife)}}, nil
	case c.replacedIn(s, now):
		return nil, nil
	}
	return []events.Session{events.SessionEnded{Reason: "reused"}}, nil
}

// age is how many tokens came after this one. Each follows from the one before, so whether a
// token ever was one of this login can be told from the newest alone.
func (c RefreshSession) age(s Session) (age int, known bool) {
	secret := c.Secret
	for age := range s.Refreshed + 1 {
		if subtle.ConstantTimeCompare(hashOf(secret), s.RefreshHash) == 1 {
			return age, true
		}
		secret = c.Next(secret)
	}
	return 0, false
}

func hashOf(secret []byte) []byte {
	h := sha256.Sum256(secret)
	return h[:]
}

// nextSecret gives the secret of the refresh token that comes after one. Without the key,
// nobody can tell it from that one.
func (m *Module) nextSecret(secret []byte) []byte {
	mac := hmac.New(sha256.New, m.RefreshKey)
	mac.Write(secret)
	return mac.Sum(nil)
}

type refreshBody struct {
	RefreshToken string `json:"refreshToken" schema:"maxLength=2048"`
}

type tokensReply struct {
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	TokenType    string `json:"tokenType" schema:"enum=Bearer"`
	ExpiresIn    int    `json:"expiresIn"` // seconds
}

func (m *Module) refresh(ctx context.Context, call api.Call, in refreshBody) (reply api.Reply[tokensReply], err error) {
	id, secret, ok := parseRefreshToken(in.RefreshToken)
	if !ok {
		return reply, ErrWrongRefreshToken
	}
	before, err := sessions.Load(ctx, &m.Repository, id)
	if err != nil {
		return reply, err
	}
	user, err := m.users().Load(ctx, &m.Repository, before.State.UserID)
	if err != nil {
		return reply, err
	}
	if !user.State.keeps(id, before.State) {
		return reply, ErrWrongRefreshToken
	}
	command := RefreshSession{secret, m.nextSecret}
	if _, known := command.age(before.State); !known {
		return reply, ErrWrongRefreshToken
	}
	// Signed before the token is replaced: a key that does not answer must not use it up.
	reply, err = m.tokens(ctx, user.State, id, m.nextSecret(secret))
	if err != nil {
		return reply, err
	}
	call.Meta.Actor = before.State.UserID
	result, err := m.Execute(ctx, call.Meta, call.IfMatch, sessions.On(id, command))
	if err != nil {
		return reply, err
	}
	after, err := sessions.Load(ctx, &m.Repository, id)
	if err != nil {
		return reply, err
	}
	if !command.replacedIn(after.State, m.Now()) {
		return reply, ErrWrongRefreshToken
	}
	reply.Version, reply.Replay = result.Version, result.Replay
	return reply, nil
}

// replacedIn reports whether the token was replaced a moment ago in a login that goes on. That is
// for repeats of one command as well, which are not decided again.
func (c RefreshSession) replacedIn(s Session, now time.Time) bool {
	age, known := c.age(s)
	return known && age == 1 && s.lives(now) && now.Sub(s.RefreshedAt) <= grace
}

// tokens are the tokens of a login.
func (m *Module) tokens(ctx context.Context, user User, session string, secret []byte) (reply api.Reply[tokensReply], err error) {
	access, life, err := m.Tokens.Issue(ctx, api.Caller{ID: user.ID, Roles: user.Roles, Session: session}, m.Now())
	if err != nil {
		return reply, err
	}
	reply.Body = tokensReply{access, refreshToken(session, secret), "Bearer", int(life.Seconds())}
	return reply, nil
}

// A refresh token is the session's id, 16 bytes, and a secret of 32.
func refreshToken(session string, secret []byte) string {
	id := es.PackID(session)
	return base64.RawURLEncoding.EncodeToString(append(id[:], secret...))
}

func parseRefreshToken(token string) (session string, secret []byte, ok bool) {
	b, ok := decodeToken(token, 16+32)
	if !ok {
		return "", nil, false
	}
	session = es.UnpackID([16]byte(b))
	return session, b[16:], es.ValidID(session)
}

// decodeToken reads a token of so many bytes. Each has one form only: the decoder would pass over
// line breaks, and over bits that are left at the end.
func decodeToken(token string, size int) ([]byte, bool) {
	if len(token) != base64.RawURLEncoding.EncodedLen(size) {
		return nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return b, err == nil && len(b) == size
}
