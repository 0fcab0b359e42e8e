package scenario

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// KeySet is where the keys of access tokens are published.
const KeySet = "/.well-known/jwks.json"

// PublishedKeys reads the key set as those do who check access tokens themselves: ids in the
// order of the set, and the keys by their ids.
func PublishedKeys(t testing.TB, api string) (ids []string, keys map[string]*ecdsa.PublicKey) {
	t.Helper()
	set, _ := Client{URL: api}.Expect(t, 200, "GET", KeySet, nil).Body["keys"].([]any)
	keys = map[string]*ecdsa.PublicKey{}
	for _, member := range set {
		key, _ := member.(map[string]any)
		if key["kty"] != "EC" || key["crv"] != "P-256" || key["alg"] != "ES256" || key["use"] != "sig" || key["d"] != nil {
			t.Errorf("the key %v is none that signs with ES256", key)
		}
		point := []byte{4}
		for _, name := range []string{"x", "y"} {
			coordinate, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(key[name]))
			if err != nil {
				t.Fatal(err)
			}
			point = append(point, coordinate...)
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(key["kid"])
		ids, keys[id] = append(ids, id), public
	}
	return ids, keys
}

// KeyOf verifies a token with the key set and gives the id of the key that it is signed with.
func KeyOf(t testing.TB, api, token string) (id string) {
	t.Helper()
	_, keys := PublishedKeys(t, api)
	verified, err := jwt.Parse(token, func(token *jwt.Token) (any, error) {
		id = fmt.Sprint(token.Header["kid"])
		return keys[id], nil
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("annals"), jwt.WithAudience("annals"), jwt.WithExpirationRequired())
	if err != nil || verified.Header["typ"] != "at+jwt" {
		t.Errorf("the published keys do not verify a token: %v", err)
	}
	return id
}
