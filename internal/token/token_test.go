package token_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/token"
)

const user = "0197a0f0-0000-7000-8000-000000000001"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func verifier(key ed25519.PrivateKey, at time.Time) *token.Verifier {
	return &token.Verifier{
		Now: func() time.Time { return at },
		Key: func(context.Context) (ed25519.PublicKey, error) { return key.Public().(ed25519.PublicKey), nil },
	}
}

func key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func TestATokenSpeaksForItsCallerUntilItExpires(t *testing.T) {
	k := key(t)
	issued, err := (&token.Issuer{Key: k}).Issue(api.Caller{ID: user, Roles: []string{"operator"}, Session: "s"}, now)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := verifier(k, now.Add(token.Life-time.Second)).Verify(t.Context(), issued)
	if err != nil || caller.ID != user || len(caller.Roles) != 1 || caller.Roles[0] != "operator" || caller.Session != "s" {
		t.Errorf("got %+v, error %v", caller, err)
	}
	if _, err := verifier(k, now.Add(token.Life+time.Second)).Verify(t.Context(), issued); err != token.ErrExpired {
		t.Errorf("got %v, want %v", err, token.ErrExpired)
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	k, other := key(t), key(t)
	good := jwt.MapClaims{"iss": "annals", "aud": "annals", "sub": user, "exp": now.Add(time.Minute).Unix()}
	sign := func(method jwt.SigningMethod, key any, typ string, change func(jwt.MapClaims)) string {
		claims := jwt.MapClaims{}
		for name, v := range good {
			claims[name] = v
		}
		if change != nil {
			change(claims)
		}
		t.Helper()
		unsigned := jwt.NewWithClaims(method, claims)
		unsigned.Header["typ"] = typ
		signed, err := unsigned.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	set := func(name string, v any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = v } }
	unset := func(name string) func(jwt.MapClaims) { return func(c jwt.MapClaims) { delete(c, name) } }
	valid := sign(jwt.SigningMethodEdDSA, k, "at+jwt", nil)
	if _, err := verifier(k, now).Verify(t.Context(), valid); err != nil {
		t.Fatalf("the token that the others are made from is refused: %v", err)
	}
	parts := strings.Split(valid, ".")
	operator := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"annals","aud":"annals","sub":"` + user + `","exp":4102444800,"roles":["operator"]}`))
	for name, forged := range map[string]string{
		"empty":                   "",
		"no token":                "x.y.z",
		"another key":             sign(jwt.SigningMethodEdDSA, other, "at+jwt", nil),
		"no signature":            sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "at+jwt", nil),
		"signed with public key":  sign(jwt.SigningMethodHS256, []byte(k.Public().(ed25519.PublicKey)), "at+jwt", nil),
		"another payload":         parts[0] + "." + operator + "." + parts[2],
		"another type":            sign(jwt.SigningMethodEdDSA, k, "JWT", nil),
		"another issuer":          sign(jwt.SigningMethodEdDSA, k, "at+jwt", set("iss", "other")),
		"another audience":        sign(jwt.SigningMethodEdDSA, k, "at+jwt", set("aud", "other")),
		"no expiry":               sign(jwt.SigningMethodEdDSA, k, "at+jwt", unset("exp")),
		"no subject":              sign(jwt.SigningMethodEdDSA, k, "at+jwt", unset("sub")),
		"a subject that is no id": sign(jwt.SigningMethodEdDSA, k, "at+jwt", set("sub", "system:projector")),
	} {
		if caller, err := verifier(k, now).Verify(t.Context(), forged); err != token.ErrInvalid || caller.ID != "" {
			t.Errorf("%s: got %+v, error %v, want %v", name, caller, err, token.ErrInvalid)
		}
	}
}

func TestAKeyThatCannotBeFoundIsNoVerdict(t *testing.T) {
	down := errors.New("the table does not answer")
	v := &token.Verifier{Now: func() time.Time { return now }, Key: func(context.Context) (ed25519.PublicKey, error) { return nil, down }}
	if _, err := v.Verify(t.Context(), "x.y.z"); !errors.Is(err, down) {
		t.Errorf("got %v, want %v", err, down)
	}
}

// RFC 8037, A.3.
func TestAKeyIsNamedByItsThumbprint(t *testing.T) {
	key, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := token.KeyID(key); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("got %s", got)
	}
}
