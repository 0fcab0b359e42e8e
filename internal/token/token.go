// Package token issues and verifies access tokens: JWTs (RFC 7519) of type at+jwt (RFC
// 9068), signed with Ed25519 (RFC 8037).
package token

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// Life is how long an access token is valid.
const Life = 10 * time.Minute

const (
	name      = "annals" // issuer and audience
	tokenType = "at+jwt"
)

type claims struct {
	jwt.RegisteredClaims
	Session string   `json:"sid"`
	Roles   []string `json:"roles,omitempty"`
}

// KeyID names a public key: its thumbprint (RFC 7638, RFC 8037).
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Issuer makes access tokens.
type Issuer struct{ Key ed25519.PrivateKey }

// Issue makes a token that says who the caller is until now plus [Life].
func (i *Issuer) Issue(caller api.Caller, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    name,
			Audience:  jwt.ClaimStrings{name},
			Subject:   caller.ID,
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(Life)),
		},
		Session: caller.Session,
		Roles:   caller.Roles,
	})
	t.Header["typ"] = tokenType
	t.Header["kid"] = KeyID(i.Key.Public().(ed25519.PublicKey))
	signed, err := t.SignedString(i.Key)
	if err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	return signed, nil
}

// Verifier verifies access tokens.
type Verifier struct {
	Now func() time.Time
	// Key finds the public key. It is asked until it has given one.
	Key func(context.Context) (ed25519.PublicKey, error)

	mu  sync.Mutex
	key ed25519.PublicKey
}

// The refusals of Verify.
var (
	ErrInvalid = &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "This access token is not valid."}
	ErrExpired = &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "This access token has expired."}
)

// Verify gives the caller that a token speaks for, or [ErrInvalid] or [ErrExpired]; another
// error means that the token could not be checked.
func (v *Verifier) Verify(ctx context.Context, token string) (api.Caller, error) {
	key, err := v.publicKey(ctx)
	if err != nil {
		return api.Caller{}, err
	}
	var c claims
	t, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(name), jwt.WithAudience(name), jwt.WithExpirationRequired(), jwt.WithTimeFunc(v.Now))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return api.Caller{}, ErrExpired
	case err != nil || t.Header["typ"] != tokenType || !es.ValidID(c.Subject):
		return api.Caller{}, ErrInvalid
	}
	return api.Caller{ID: c.Subject, Roles: c.Roles, Session: c.Session}, nil
}

func (v *Verifier) publicKey(ctx context.Context) (ed25519.PublicKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil {
		key, err := v.Key(ctx)
		if err != nil {
			return nil, err
		}
		v.key = key
	}
	return v.key, nil
}
