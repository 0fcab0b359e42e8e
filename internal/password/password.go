// Package password hashes passwords with argon2id (RFC 9106) into PHC strings.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of new hashes (OWASP Password Storage Cheat Sheet).
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	keyLen  = 32
)

// Hash gives the PHC string of a password, with a new salt.
func Hash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	key := hash{memory, passes, threads, salt, make([]byte, keyLen)}.derive(password)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// Matches reports whether a PHC string is that of the password. An empty or foreign string
// takes as long as a hash that does not match.
func Matches(phc, password string) bool {
	h, ok := parse(phc)
	if !ok {
		h = decoy
	}
	return subtle.ConstantTimeCompare(h.derive(password), h.key) == 1 && ok
}

type hash struct {
	memory, passes uint32
	threads        uint8
	salt, key      []byte
}

// slots keeps a rush of logins from taking more memory than there are cores to use it.
var slots = make(chan struct{}, runtime.GOMAXPROCS(0))

// derive gives what key has to be if the password is the right one.
func (h hash) derive(password string) []byte {
	slots <- struct{}{}
	defer func() { <-slots }()
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(len(h.key)))
}

var decoy = hash{memory, passes, threads, make([]byte, saltLen), make([]byte, keyLen)}

func parse(phc string) (h hash, ok bool) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads); err != nil {
		return h, false
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	// argon2 panics on parameters of zero; a damaged hash must not.
	return h, saltErr == nil && keyErr == nil && len(h.key) > 0 && h.passes > 0 && h.threads > 0 && h.bounded()
}

// bounded reports whether a hash asks for work that OWASP's parameters may grow to, and not for
// all memory there is.
func (h hash) bounded() bool {
	return h.memory <= 64<<10 && h.passes <= 10 && h.threads <= 4 && len(h.salt) <= 64 && len(h.key) <= 64
}
