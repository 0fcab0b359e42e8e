package auth

import (
	"errors"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// A refresh token is one of those that can be given out, in the one form that they have.
func FuzzRefreshToken(f *testing.F) {
	f.Add(refreshToken(ada, make([]byte, 32)))
	f.Add(refreshToken(ada, make([]byte, 31)))
	f.Add("\n" + refreshToken(ada, make([]byte, 32)))
	f.Fuzz(func(t *testing.T, token string) {
		session, secret, ok := parseRefreshToken(token)
		if !ok {
			return
		}
		if !es.ValidID(session) || len(secret) != 32 {
			t.Errorf("session %q, a secret of %d bytes", session, len(secret))
		}
		if back := refreshToken(session, secret); back != token {
			t.Errorf("%q is another form of %q", token, back)
		}
	})
}

// A mailed token is for nothing but what it was made for.
func FuzzMailedToken(f *testing.F) {
	m := &Module{MailKey: []byte("key")}
	m.Now = func() time.Time { return estest.Now }
	valid := m.mailed(verification, ada, estest.Now.Add(time.Hour), "ada@example.com")
	f.Add(valid)
	f.Add(m.mailed(reset, ada, estest.Now.Add(time.Hour), "ada@example.com"))
	f.Add(m.mailed(verification, ada, estest.Now, "ada@example.com"))
	f.Fuzz(func(t *testing.T, token string) {
		read, err := m.openMailed(verification, token)
		if err != nil {
			if !errors.Is(err, ErrWrongToken) {
				t.Errorf("error %v", err)
			}
			return
		}
		if read.isFor("ada@example.com") && token != valid {
			t.Errorf("%q is taken for %q", token, valid)
		}
	})
}
