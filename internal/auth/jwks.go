package auth

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/internal/api"
)

// PublicKeys gives the public halves of the keys that access tokens are signed with.
type PublicKeys interface {
	PublicKeys(ctx context.Context) ([]PublicKey, error)
}

// PublicKey is a key as others read it to check access tokens themselves (RFC 7517).
type PublicKey struct {
	Type      string `json:"kty" schema:"enum=EC"`
	Curve     string `json:"crv" schema:"enum=P-256"`
	ID        string `json:"kid"` // its thumbprint (RFC 7638), which the tokens name
	Use       string `json:"use" schema:"enum=sig"`
	Algorithm string `json:"alg" schema:"enum=ES256"`
	X         string `json:"x"` // base64url, as y
	Y         string `json:"y"`
}

// KeySet is a JSON Web Key Set.
type KeySet struct {
	Keys []PublicKey `json:"keys"`
}

// keySetFresh is how long others may keep the keys. A key signs only when it has been published for
// longer (infra/README.md, "Rotating the signing key").
const keySetFresh = 5 * time.Minute

func (m *Module) keySet(ctx context.Context, _ api.Call) (reply api.Reply[KeySet], err error) {
	reply.Fresh = keySetFresh
	reply.Body.Keys, err = m.PublicKeys.PublicKeys(ctx)
	return reply, err
}
