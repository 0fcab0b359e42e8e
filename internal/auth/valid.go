package auth

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/api"
)

// emailForm is what HTML calls a valid email address (WHATWG HTML, 4.10.5.1.5), with at
// least one dot in its domain.
var emailForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~` + "`" + `-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$`)
})

// validEmail trims an address, whose field declares that it fits a mail path: 254 characters (RFC
// 5321, 4.5.3.1.3).
func validEmail(bad *api.Invalid, pointer, s string) string {
	s = strings.TrimSpace(s)
	if !emailForm().MatchString(s) {
		bad.Add(pointer, "This has to be an email address such as ada@example.com.")
	}
	return s
}

// CheckEmail refuses what cannot be the address of an account, with [api.ErrInvalid].
func CheckEmail(email string) error {
	var bad api.Invalid
	validEmail(&bad, "/email", email)
	return bad.Err()
}

// The bounds of a password's length, in characters (OWASP ASVS 5.0, 6.2.1 and 6.2.9).
const (
	minPassword = 8
	maxPassword = 128
)

func (m *Module) validPassword(bad *api.Invalid, pointer, s, email string) {
	s = m.Passwords.Normal(s)
	switch n := utf8.RuneCountInString(s); {
	case n < minPassword || n > maxPassword:
		bad.Add(pointer, "A password has 8 to 128 characters.")
	case m.Passwords.Common(s), strings.Count(s, string([]rune(s)[0])) == n, sameAddress(s, email):
		bad.Add(pointer, "This password is one of the first that anybody would try.")
	}
}
