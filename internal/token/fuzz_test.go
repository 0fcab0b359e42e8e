package token_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/token"
)

// Of all that is sent as an access token one is taken: the one that was issued.
func FuzzVerify(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	valid, err := (&token.Issuer{Key: key}).Issue(api.Caller{ID: "0197a0f0-0000-7000-8000-000000000001", Session: "s", Roles: []string{"operator"}}, at)
	if err != nil {
		f.Fatal(err)
	}
	verifier := &token.Verifier{Now: func() time.Time { return at }, Key: func(context.Context) (ed25519.PublicKey, error) {
		return key.Public().(ed25519.PublicKey), nil
	}}
	head, rest, _ := strings.Cut(valid, ".")
	body, _, _ := strings.Cut(rest, ".")
	f.Add(valid)
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0." + body + ".")
	f.Add(head + "." + body + ".\n")
	f.Add(strings.Repeat(".", 1000))
	f.Fuzz(func(t *testing.T, text string) {
		caller, err := verifier.Verify(t.Context(), text)
		switch {
		case err == nil && text != valid:
			t.Errorf("%q speaks for %+v", text, caller)
		case err != nil && !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrExpired):
			t.Errorf("error %v", err)
		}
	})
}
