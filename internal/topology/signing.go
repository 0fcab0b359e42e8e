package topology

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// DefaultSigningKeys is the list of a deployment that gives none to [SigningKeys].
const DefaultSigningKeys = "1"

// SigningKeysSetting is the environment variable that tells a function the ARNs of the signing keys,
// with commas between them.
const SigningKeysSetting = "ANNALS_SIGNING_KEYS"

// SigningKeys reads a deployment's list of the names of the keys that sign access tokens, such as
// "2026b,2026a". The first one signs, and tokens of all of them are valid.
func SigningKeys(list string) ([]string, error) {
	form := regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`) // here, as functions, which have this linked in, never ask
	names := strings.Split(list, ",")
	for i, name := range names {
		if !form.MatchString(name) {
			return nil, fmt.Errorf("the signing keys have to be names of up to 32 letters and digits with commas between them, such as 2,1, not %q", list)
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("the signing keys %q name %s twice", list, name)
		}
	}
	return names, nil
}
