package password

import (
	_ "embed"
	"sort"
	"strings"
)

//go:generate go run ./common

// commonList has the most common passwords of public breaches, those of at least 8 characters, in
// lower case, sorted, each on a line. They are those of zxcvbn, as the Go module
// github.com/trustelem/zxcvbn ships them (MIT, as zxcvbn is itself, © Dan Wheeler and Dropbox; see
// common.LICENSE). As text it takes no memory
// that is not the program's own.
//
//go:embed common.txt
var commonList string

// Common reports whether a password is one of those that anybody would try first, in whatever
// case.
func Common(password string) bool {
	wanted := strings.ToLower(Normal(password))
	// lineAt is the line that the byte at i is of.
	lineAt := func(i int) string {
		start := strings.LastIndexByte(commonList[:i], '\n') + 1
		line, _, _ := strings.Cut(commonList[start:], "\n")
		return line
	}
	i := sort.Search(len(commonList), func(i int) bool { return lineAt(i) >= wanted })
	return i < len(commonList) && lineAt(i) == wanted
}
