package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/keys"
	"github.com/interview-sandbox/annals/internal/token"
	"github.com/interview-sandbox/annals/internal/token/tokentest"
)

const user = "0197a0f0-0000-7000-8000-000000000001"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// held is a key that counts what it is asked for, and can be made to fail.
type held struct {
	token.Key

	mu             sync.Mutex
	publics, signs int
	fails          error
}

func (h *held) Public(ctx context.Context) (*ecdsa.PublicKey, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.publics++
	if h.fails != nil {
		return nil, h.fails
	}
	return h.Key.Public(ctx)
}

func (h *held) Sign(ctx context.Context, digest []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signs++
	if h.fails != nil {
		return nil, h.fails
	}
	return h.Key.Sign(ctx, digest)
}

func key(t *testing.T) *held {
	t.Helper()
	file, err := keys.OpenSigningFile(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return &held{Key: file}
}

func issue(t *testing.T, keys *token.Keys) string {
	t.Helper()
	issued, err := (&token.Issuer{Keys: keys}).Issue(t.Context(), api.Caller{ID: user, Roles: []string{"operator"}, Session: "s"}, now)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func verify(t *testing.T, keys *token.Keys, when time.Time, issued string) (api.Caller, error) {
	t.Helper()
	return (&token.Verifier{Keys: keys, Now: at(when)}).Verify(t.Context(), issued)
}

func TestATokenSpeaksForItsCallerUntilItExpires(t *testing.T) {
	k := token.NewKeys(at(now), key(t))
	issued := issue(t, k)
	caller, err := verify(t, k, now.Add(token.Life-time.Second), issued)
	if err != nil || caller.ID != user || len(caller.Roles) != 1 || caller.Roles[0] != "operator" || caller.Session != "s" {
		t.Errorf("got %+v, error %v", caller, err)
	}
	for after, want := range map[time.Duration]error{
		-6 * time.Second: token.ErrInvalid, -4 * time.Second: nil, // another clock may be late
		token.Life + 4*time.Second: nil, token.Life + 6*time.Second: token.ErrExpired,
	} {
		if _, err := verify(t, k, now.Add(after), issued); err != want {
			t.Errorf("%v after it was issued: got %v, want %v", after, err, want)
		}
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	signing, second := key(t), key(t)
	k := token.NewKeys(at(now), signing, second)
	f := tokentest.Forger{Key: signing.Key, Retired: key(t), User: user, Now: now}
	valid, err := f.Valid(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, k, now, valid); err != nil {
		t.Fatalf("the token that the others are made from is refused: %v", err)
	}
	forged, err := f.Forged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, forged := range forged {
		want := token.ErrInvalid
		if what == "expired" {
			want = token.ErrExpired
		}
		if caller, err := verify(t, k, now, forged); err != want || caller.ID != "" {
			t.Errorf("%s: got %+v, error %v, want %v", what, caller, err, want)
		}
	}
	if signing.publics != 1 || second.publics != 1 {
		t.Errorf("for %d tokens, public halves were asked for %d and %d times", len(forged), signing.publics, second.publics)
	}
}

func TestWhileAKeyIsReplacedTokensOfBothAreValid(t *testing.T) {
	first, second := key(t), key(t)
	before, during, after := token.NewKeys(at(now), first), token.NewKeys(at(now), second, first), token.NewKeys(at(now), second)
	old, young := issue(t, before), issue(t, during)
	for name, c := range map[string]struct {
		keys  *token.Keys
		token string
		want  error
	}{
		"old, during":   {during, old, nil},
		"new, during":   {during, young, nil},
		"new, after":    {after, young, nil},
		"old, after":    {after, old, token.ErrInvalid},
		"new, too soon": {before, young, token.ErrInvalid},
	} {
		if _, err := verify(t, c.keys, now, c.token); err != c.want {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	list, err := during.List(t.Context())
	if err != nil || len(list) != 2 || list[0].ID == list[1].ID {
		t.Errorf("published are %v, error %v", list, err)
	}
}

func TestAPublicHalfIsAskedForOnceAndATokenIsSignedOnce(t *testing.T) {
	first, second := key(t), key(t)
	k := token.NewKeys(at(now), first, second)
	for range 3 {
		if _, err := verify(t, k, now, issue(t, k)); err != nil {
			t.Fatal(err)
		}
	}
	f := tokentest.Forger{Key: key(t), User: user, Now: now}
	for range 3 {
		unknown, err := f.Valid(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify(t, k, now, unknown); err != token.ErrInvalid {
			t.Errorf("got %v", err)
		}
	}
	if first.publics != 1 || second.publics != 1 || first.signs != 3 || second.signs != 0 {
		t.Errorf("public halves were asked for %d and %d times; %d and %d signatures for 3 tokens", first.publics, second.publics, first.signs, second.signs)
	}
}

func TestAKeyThatCannotBeAskedIsNoVerdictAndIsAskedAgainAfterASecond(t *testing.T) {
	down, first, second := errors.New("KMS does not answer"), key(t), key(t)
	clock := now
	k := token.NewKeys(func() time.Time { return clock }, first, second)
	ofFirst, ofSecond := issue(t, k), issue(t, token.NewKeys(at(now), second.Key))
	second.fails = down
	for range 10 {
		var verdict *es.Error
		if _, err := verify(t, k, now, ofSecond); !errors.Is(err, down) || errors.As(err, &verdict) {
			t.Errorf("got %v, want %v", err, down)
		}
		if _, err := verify(t, k, now, "x.y.z"); err != token.ErrInvalid {
			t.Errorf("what is no token: got %v", err)
		}
	}
	if second.publics != 1 {
		t.Errorf("ten tokens made %d requests", second.publics)
	}
	if _, err := verify(t, k, now, ofFirst); err != nil {
		t.Errorf("of a key that is known: %v", err)
	}
	if _, err := k.List(t.Context()); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("a list without one of its keys: %v", err)
	}
	second.fails, clock = nil, clock.Add(time.Second)
	if _, err := verify(t, k, now, ofSecond); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestARequestThatGivesUpLeavesTheNextOneToAsk(t *testing.T) {
	signing := key(t)
	k := token.NewKeys(at(now), signing)
	issued := issue(t, token.NewKeys(at(now), signing.Key))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	signing.fails = ctx.Err()
	if _, err := (&token.Verifier{Keys: k, Now: at(now)}).Verify(ctx, issued); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	signing.fails = nil
	if _, err := verify(t, k, now, issued); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestNoTokenIsIssuedWithoutASignature(t *testing.T) {
	down, signing := errors.New("KMS does not answer"), key(t)
	k := token.NewKeys(at(now), signing)
	issue(t, k)
	signing.fails = down
	for name, k := range map[string]*token.Keys{"known": k, "unknown": token.NewKeys(at(now), signing), "no key": token.NewKeys(at(now))} {
		issued, err := (&token.Issuer{Keys: k}).Issue(t.Context(), api.Caller{ID: user}, now)
		if !errors.Is(err, token.ErrUnavailable) || issued != "" {
			t.Errorf("%s: got %q, error %v", name, issued, err)
		}
	}
	for _, wrong := range []string{"", "x", "\x30\x06\x02\x01\x01\x02\x01\x00", "\x30\x06\x02\x01\x01\x02\x01\x01\x00"} {
		issued, err := (&token.Issuer{Keys: token.NewKeys(at(now), &says{signing.Key, wrong})}).Issue(t.Context(), api.Caller{ID: user}, now)
		if err == nil || issued != "" {
			t.Errorf("signature %x: got %q", wrong, issued)
		}
	}
}

// says is a key whose signatures are always the same.
type says struct {
	token.Key
	signature string
}

func (s *says) Sign(context.Context, []byte) ([]byte, error) { return []byte(s.signature), nil }

func TestAnErrorSaysNothingOfTheToken(t *testing.T) {
	signing := key(t)
	k := token.NewKeys(at(now), signing)
	issued := issue(t, token.NewKeys(at(now), signing.Key))
	signing.fails = errors.New("KMS does not answer")
	_, err := verify(t, k, now, issued)
	for part := range strings.SplitSeq(issued, ".") {
		if err == nil || strings.Contains(err.Error(), part) {
			t.Errorf("got %v", err)
		}
	}
}

// public is a key of which only the public half is known.
type public struct {
	token.Key
	key *ecdsa.PublicKey
}

func (p public) Public(context.Context) (*ecdsa.PublicKey, error) { return p.key, nil }

// RFC 9449, 6.1.
func TestAKeyIsNamedByItsThumbprint(t *testing.T) {
	point := []byte{4}
	for _, coordinate := range []string{"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"} {
		b, err := base64.RawURLEncoding.DecodeString(coordinate)
		if err != nil {
			t.Fatal(err)
		}
		point = append(point, b...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	list, err := token.NewKeys(at(now), public{key: key}).List(t.Context())
	if err != nil || list[0].ID != "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" {
		t.Errorf("got %v, error %v", list, err)
	}
}

func TestAKeyOnAnotherCurveIsRefused(t *testing.T) {
	other := &ecdsa.PublicKey{Curve: elliptic.P384()}
	if list, err := token.NewKeys(at(now), public{key: other}).List(t.Context()); err == nil {
		t.Errorf("got %v", list)
	}
}
