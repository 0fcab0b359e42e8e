package file

import (
	"mime"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/api"
)

// maxName is in bytes, which is what most file systems allow.
const maxName = 255

func validName(bad *api.Invalid, pointer, s string) string {
	s = strings.TrimSpace(s)
	switch {
	case api.Blank(s) || len(s) > maxName || !utf8.ValidString(s):
		bad.Add(pointer, "A file's name has 1 to 255 bytes.")
	case s == "." || s == ".." || strings.ContainsAny(s, `/\`):
		bad.Add(pointer, "A file's name is no path.")
	case !api.Seen(s):
		bad.Add(pointer, "A file's name has no characters that cannot be seen.")
	}
	return s
}

func validSize(bad *api.Invalid, pointer string, n *int64) int64 {
	if n == nil {
		bad.Add(pointer, "A file has a size in bytes.")
		return 0
	}
	return *n
}

// typeForm is a media type as RFC 9110, 8.3.1 has it, in characters that can be seen; what
// comes after the subtype is looked at by the mime package.
var typeForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(;[\x20-\x7e]*)?$`)
})

func validType(bad *api.Invalid, pointer, s string) string {
	s = strings.TrimSpace(s)
	if _, _, err := mime.ParseMediaType(s); err != nil || !typeForm().MatchString(s) {
		bad.Add(pointer, "This has to be a media type such as text/plain.")
	}
	return s
}
