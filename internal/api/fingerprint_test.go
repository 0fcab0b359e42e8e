package api

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

func TestAFingerprintTellsAByteOfAPasswordAndAllOfTheRest(t *testing.T) {
	type body struct {
		Email    string
		Password string `data:"secret"`
	}
	seen := map[string]bool{}
	note := func(b body) {
		c := Call{Fingerprint: func(request []byte) []byte { sum := sha256.Sum256(request); return sum[:16] }}
		if err := c.fingerprint(Route{}, b); err != nil {
			t.Fatal(err)
		}
		seen[string(c.Meta.Fingerprint)] = true
	}
	for n := range 5000 {
		note(body{"ada@example.com", fmt.Sprint("password ", n)})
	}
	if len(seen) != 256 {
		t.Errorf("5,000 passwords have %d fingerprints", len(seen))
	}
	clear(seen)
	for n := range 5000 {
		note(body{fmt.Sprintf("ada-%d@example.com", n), "password"})
	}
	if len(seen) != 5000 {
		t.Errorf("5,000 addresses have %d fingerprints", len(seen))
	}
}
