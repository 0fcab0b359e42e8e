package token_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/token"
)

// Of all that is sent as an access token one is taken: the one that was issued.
func FuzzVerify(f *testing.F) {
	key, err := keys.OpenSigningFile(filepath.Join(f.TempDir(), "1.pem"))
	if err != nil {
		f.Fatal(err)
	}
	signing := token.NewKeys(at(now), key)
	valid, err := (&token.Issuer{Keys: signing}).Issue(f.Context(), api.Caller{ID: user, Session: "s", Roles: []string{"operator"}}, now)
	if err != nil {
		f.Fatal(err)
	}
	verifier := &token.Verifier{Keys: signing, Now: at(now)}
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
