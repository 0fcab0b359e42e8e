// Package token issues and verifies access tokens: JWTs (RFC 7519) of type at+jwt (RFC 9068),
// signed with ES256. As there is one kind of client, they do without client_id, and without jti,
// because they are not revoked one by one: they end, and with them what they allow.
package token

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// Life is how long an access token is valid.
const Life = 10 * time.Minute

const (
	name      = "annals" // issuer and audience
	tokenType = "at+jwt"
	algorithm = "ES256"
	// leeway is how far the clocks of those who issue and verify may be apart.
	leeway = 5 * time.Second
	// maxSize is of a whole token, in bytes. What is issued has less than a third of it.
	maxSize = 2048
)

// head is all that a token's header may say. Whatever else a header can hold (RFC 7515, 4.1) is
// about other keys or other rules than ours, and is refused. The algorithm is checked with the
// signature.
type head struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	KeyID     string `json:"kid"`
}

type claims struct {
	jwt.RegisteredClaims
	Session string   `json:"sid"`
	Roles   []string `json:"roles,omitempty"`
}

// UnmarshalJSON refuses what [encoding/json] lets pass: names that come twice or in another case.
func (c *claims) UnmarshalJSON(b []byte) error {
	type plain claims
	return json.Unmarshal(b, (*plain)(c))
}

// Issuer makes access tokens.
type Issuer struct{ Keys *Keys }

// ErrUnavailable: the signing keys cannot be used at the moment.
var ErrUnavailable = &es.Error{Kind: es.Unavailable, Code: "unavailable", Message: "The signing keys cannot be used at the moment. Try again."}

// Issue makes a token that says who the caller is from now until now plus [Life]. It asks the
// key to sign once. The error is [ErrUnavailable] if the key does not.
func (i *Issuer) Issue(ctx context.Context, caller api.Caller, now time.Time) (string, error) {
	key, err := i.Keys.signing(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    name,
			Audience:  jwt.ClaimStrings{name},
			Subject:   caller.ID,
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(Life)),
		},
		Session: caller.Session,
		Roles:   caller.Roles,
	})
	t.Header["typ"] = tokenType
	t.Header["kid"] = key.public.ID
	text, err := t.SigningString()
	if err != nil {
		return "", fmt.Errorf("write an access token: %w", err)
	}
	digest := sha256.Sum256([]byte(text))
	der, err := key.Sign(ctx, digest[:])
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	signature, err := concatenated(der)
	if err != nil {
		return "", fmt.Errorf("read a signature: %w", err)
	}
	return text + "." + encoded(signature), nil
}

// concatenated gives a signature in DER in the form of JWTs: r and s, 32 bytes each (RFC 7518, 3.4).
func concatenated(der []byte) ([]byte, error) {
	var signature struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &signature)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	for i, n := range []*big.Int{signature.R, signature.S} {
		if len(rest) > 0 || n.Sign() <= 0 || n.BitLen() > 256 {
			return nil, errors.New("it is not one of the curve P-256")
		}
		n.FillBytes(out[32*i : 32*(i+1)])
	}
	return out, nil
}

// Verifier verifies access tokens.
type Verifier struct {
	Keys *Keys
	Now  func() time.Time
}

// The refusals of Verify.
var (
	ErrInvalid = &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "This access token is not valid."}
	ErrExpired = &es.Error{Kind: es.Unauthenticated, Code: "unauthenticated", Message: "This access token has expired."}
)

// Verify gives the caller that a token speaks for, or [ErrInvalid] or [ErrExpired]; another
// error means that the token could not be checked. No error says anything of the token.
func (v *Verifier) Verify(ctx context.Context, token string) (api.Caller, error) {
	if len(token) > maxSize {
		return api.Caller{}, ErrInvalid
	}
	h, ok := headOf(token)
	if !ok || h.Type != tokenType {
		return api.Caller{}, ErrInvalid
	}
	key, err := v.Keys.verifying(ctx, h.KeyID)
	switch {
	case err != nil:
		return api.Caller{}, err
	case key == nil:
		return api.Caller{}, ErrInvalid
	}
	var c claims
	_, err = jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{algorithm}), jwt.WithStrictDecoding(), jwt.WithIssuer(name), jwt.WithAudience(name),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(v.Now))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return api.Caller{}, ErrExpired
	case err != nil || c.IssuedAt == nil || !es.ValidID(c.Subject):
		return api.Caller{}, ErrInvalid
	}
	return api.Caller{ID: c.Subject, Roles: c.Roles, Session: c.Session}, nil
}

func headOf(token string) (h head, ok bool) {
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return h, false
	}
	err = json.Unmarshal(text, &h, json.RejectUnknownMembers(true))
	return h, err == nil
}
