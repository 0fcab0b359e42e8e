package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// The purposes of mailed tokens. One that was made for one purpose is none for another.
const (
	verification = "verify an email address"
	reset        = "reset a password"
)

// mailed makes a token for a user to be sent by mail: the user's id, 16 bytes, when it
// expires, 8, and the keyed hash of these, the purpose and what it is for, 32. Nothing of it
// is stored: what it is for is a state that the account leaves when the token is used.
func (m *Module) mailed(purpose, userID string, expires time.Time, what string) string {
	id := es.PackID(userID)
	head := binary.BigEndian.AppendUint64(id[:], uint64(expires.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(head, m.macOf(purpose, head, what)...))
}

func (m *Module) macOf(purpose string, head []byte, what string) []byte {
	mac := hmac.New(sha256.New, m.MailKey)
	for _, part := range []string{purpose, string(head), what} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// mailedToken is a token that somebody has sent back.
type mailedToken struct {
	userID string
	isFor  func(what string) bool
}

// openMailed reads a token. The error is [ErrWrongToken] if it is none, or has expired.
func (m *Module) openMailed(purpose, token string) (mailedToken, error) {
	const head = 16 + 8
	b, ok := decodeToken(token, head+sha256.Size)
	if !ok {
		return mailedToken{}, ErrWrongToken
	}
	if expires := time.Unix(int64(binary.BigEndian.Uint64(b[16:])), 0); !m.Now().Before(expires) {
		return mailedToken{}, ErrWrongToken
	}
	return mailedToken{es.UnpackID([16]byte(b)), func(what string) bool {
		return hmac.Equal(b[head:], m.macOf(purpose, b[:head], what))
	}}, nil
}
