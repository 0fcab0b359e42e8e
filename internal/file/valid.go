package file

import (
	"fmt"
	"mime"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/api"
)

// MaxSize is the largest file, in bytes. S3 takes up to 5 GiB in one form; this is what can
// be sent in settleAfter over 2.5 Mbit/s.
const MaxSize = 1 << 30

// maxName is in bytes, which is what most file systems allow.
const maxName = 255

func validName(bad *api.Invalid, pointer, s string) string {
	s = strings.TrimSpace(s)
	switch {
	case s == "" || len(s) > maxName || !utf8.ValidString(s):
		bad.Add(pointer, "A file's name has 1 to 255 bytes.")
	case s == "." || s == ".." || strings.ContainsAny(s, `/\`):
		bad.Add(pointer, "A file's name is no path.")
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }):
		bad.Add(pointer, "A file's name has no characters that cannot be seen.")
	}
	return s
}

func validSize(bad *api.Invalid, pointer string, n *int64) int64 {
	if n == nil || *n < 0 || *n > MaxSize {
		bad.Add(pointer, fmt.Sprintf("A file has 0 to %d bytes.", MaxSize))
		return 0
	}
	return *n
}

// typeForm is a media type as RFC 9110, 8.3.1 has it, in characters that can be seen; what
// comes after the subtype is looked at by the mime package.
var typeForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(;[\x20-\x7e]*)?$`)
})

const maxType = 255

func validType(bad *api.Invalid, pointer, s string) string {
	s = strings.TrimSpace(s)
	if _, _, err := mime.ParseMediaType(s); err != nil || len(s) > maxType || !typeForm().MatchString(s) {
		bad.Add(pointer, "This has to be a media type such as text/plain.")
	}
	return s
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

func validSHA256(bad *api.Invalid, pointer, s string) string {
	s = strings.ToLower(s)
	if !sha256Form.MatchString(s) {
		bad.Add(pointer, "This has to be the SHA-256 of the file's bytes as 64 hexadecimal digits.")
	}
	return s
}

func validPermission(bad *api.Invalid, pointer string, p Permission) Permission {
	if p != Read && p != Write {
		bad.Add(pointer, "A permission is read or write.")
	}
	return p
}
