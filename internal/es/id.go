package es

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// NewID makes a UUIDv7 (RFC 9562): ids sort by the time they were made. It panics if random
// fails, which crypto/rand never does.
func NewID(now time.Time, random io.Reader) string {
	var b [16]byte
	if _, err := io.ReadFull(random, b[6:]); err != nil {
		panic(fmt.Sprintf("no randomness for an id: %v", err))
	}
	ms := now.UnixMilli()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	return format(b)
}

// DeriveID makes an id that is the same whenever its parts are, in the form of a UUIDv7.
// A repeat of what caused it therefore finds the object that the first time made.
func DeriveID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return format([16]byte(h.Sum(nil)))
}

func format(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return UnpackID(b)
}

// PackID gives the 16 bytes of an id that is valid.
func PackID(id string) (b [16]byte) {
	text := strings.ReplaceAll(id, "-", "")
	if len(text) == 2*len(b) {
		_, _ = hex.Decode(b[:], []byte(text)) // an id is hexadecimal
	}
	return b
}

// UnpackID gives the id of 16 bytes, which is valid if they came from [PackID].
func UnpackID(b [16]byte) string {
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

var idForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
})

// ValidID reports whether s has the form of an id that this package makes.
func ValidID(s string) bool { return idForm().MatchString(s) }
