// Package password hashes passwords with argon2id (RFC 9106) into PHC strings, and knows which
// ones anybody would try.
package password

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"unicode"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The parameters of new hashes (OWASP Password Storage Cheat Sheet).
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	keyLen  = 32
)

// Pepper is a secret that is kept apart from the hashes that it goes into. Whoever has only
// these cannot try passwords on them.
type Pepper struct {
	ID     string // stands in the hashes, at most 8 bytes
	Secret []byte
}

// Hasher hashes passwords with one pepper, and knows others that hashes were made with before.
type Hasher struct {
	Pepper   Pepper
	Replaced []Pepper
}

// Normal is the form in which passwords are counted and hashed, so that one that looks the same
// is the same, whichever keyboard it comes from: spaces of any kind as U+0020, and normalization
// form C (RFC 8265, 4.2, OpaqueString). The form KC, which NIST SP 800-63B names, makes ² and 2
// one, and so a password weaker than its owner believes; besides, C never changes what is C
// already, as most of what is typed. Unlike the RFC it refuses nothing, because characters that
// are younger than its tables, such as the newest emoji, would not be in them.
func Normal(password string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, password))
}

// Hash gives the PHC string of a password, with a new salt.
func (h Hasher) Hash(password string) string {
	made := hash{memory, passes, threads, h.Pepper.ID, make([]byte, saltLen), make([]byte, keyLen)}
	rand.Read(made.salt)
	made.key = made.derive(h.Pepper.season(password))
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d%s%s$%s$%s", argon2.Version, memory, passes, threads,
		keyID, encoding.EncodeToString([]byte(made.pepper)), encoding.EncodeToString(made.salt), encoding.EncodeToString(made.key))
}

// Matches reports whether a PHC string is that of the password, and whether it is like those that
// are made today: of the same parameters and with the same pepper. One without a pepper is of the
// password as it was typed. An empty or foreign string takes as long as a hash that does not match.
func (h Hasher) Matches(phc, password string) (matches, today bool) {
	stored, ok := parse(phc)
	message := []byte(password)
	if stored.pepper != "" {
		var pepper Pepper
		pepper, ok = h.pepper(stored.pepper)
		message = pepper.season(password)
	}
	if !ok {
		stored = decoy
	}
	matches = subtle.ConstantTimeCompare(stored.derive(message), stored.key) == 1 && ok
	return matches, stored.pepper == h.Pepper.ID && stored.memory == memory && stored.passes == passes &&
		stored.threads == threads && len(stored.salt) == saltLen && len(stored.key) == keyLen
}

func (h Hasher) pepper(id string) (Pepper, bool) {
	for _, p := range append([]Pepper{h.Pepper}, h.Replaced...) {
		if p.ID == id {
			return p, true
		}
	}
	return Pepper{}, false
}

// season is what argon2 gets of a password: its keyed hash. The implementation has no parameter
// for a secret, which would do the same (RFC 9106, 3.1).
func (p Pepper) season(password string) []byte {
	mac := hmac.New(sha256.New, p.Secret)
	mac.Write([]byte(Normal(password)))
	return mac.Sum(nil)
}

type hash struct {
	memory, passes uint32
	threads        uint8
	pepper         string // its ID; "": none
	salt, key      []byte
}

// slots keeps a rush of logins from taking more memory than there are cores to use it.
var slots = make(chan struct{}, runtime.GOMAXPROCS(0))

// derive gives what key has to be if the message is the right one.
func (h hash) derive(message []byte) []byte {
	slots <- struct{}{}
	defer func() { <-slots }()
	return argon2.IDKey(message, h.salt, h.passes, h.memory, h.threads, uint32(len(h.key)))
}

var decoy = hash{memory, passes, threads, "", make([]byte, saltLen), make([]byte, keyLen)}

// keyID comes before the name of the secret that a hash was made with (PHC string format, argon2).
const keyID = ",keyid="

var encoding = base64.RawStdEncoding

func parse(phc string) (h hash, ok bool) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	parameters, id, peppered := strings.Cut(parts[3], keyID)
	if _, err := fmt.Sscanf(parameters, "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.threads); err != nil {
		return h, false
	}
	pepper, idErr := encoding.DecodeString(id)
	h.pepper = string(pepper)
	var saltErr, keyErr error
	h.salt, saltErr = encoding.DecodeString(parts[4])
	h.key, keyErr = encoding.DecodeString(parts[5])
	// argon2 panics on parameters of zero; a damaged hash must not.
	return h, idErr == nil && saltErr == nil && keyErr == nil && peppered == (h.pepper != "") &&
		len(h.key) > 0 && h.passes > 0 && h.threads > 0 && h.bounded()
}

// bounded reports whether a hash asks for work that OWASP's parameters may grow to, and not for
// all memory there is.
func (h hash) bounded() bool {
	return h.memory <= 64<<10 && h.passes <= 10 && h.threads <= 4 && len(h.salt) <= 64 && len(h.key) <= 64
}
