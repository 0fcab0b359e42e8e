package auth

import (
	"context"

	"github.com/interview-sandbox/annals/internal/api"
)

// PublicKeys gives the public halves of the keys that access tokens are signed with.
type PublicKeys interface {
	PublicKeys(ctx context.Context) ([]PublicKey, error)
}

// PublicKey is a key as others read it to check access tokens themselves (RFC 7517, RFC 8037).
type PublicKey struct {
	Type      string `json:"kty" schema:"enum=OKP"`
	Curve     string `json:"crv" schema:"enum=Ed25519"`
	ID        string `json:"kid"` // its thumbprint (RFC 7638), which the tokens name
	Use       string `json:"use" schema:"enum=sig"`
	Algorithm string `json:"alg" schema:"enum=EdDSA"`
	X         string `json:"x"` // base64url
}

// KeySet is a JSON Web Key Set.
type KeySet struct {
	Keys []PublicKey `json:"keys"`
}

func (m *Module) keySet(ctx context.Context, _ api.Call) (reply api.Reply[KeySet], err error) {
	reply.Body.Keys, err = m.PublicKeys.PublicKeys(ctx)
	return reply, err
}
