// Command common makes the list of common passwords anew from the module that it is taken from:
// go generate ./internal/password
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/interview-sandbox/annals/internal/password"
)

// The module, and what the checksum database says of it.
const (
	source = "github.com/trustelem/zxcvbn@v1.0.1"
	sum    = "h1:mp4JFtzdDYGj9WYSD3KQSkwwUumWNFzXaAjckaTYpsc="
)

// shortest is how many characters a password has that may be chosen at all.
const shortest = 8

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	out, err := exec.Command("go", "mod", "download", "-json", source).Output()
	if err != nil {
		return fmt.Errorf("download %s: %w: %s", source, err, out)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		return fmt.Errorf("download %s: %w", source, err)
	}
	if module.Sum != sum {
		return fmt.Errorf("%s has the sum %s, want %s", source, module.Sum, sum)
	}
	ranked, err := os.ReadFile(filepath.Join(module.Dir, "data", "passwords.txt"))
	if err != nil {
		return err
	}
	license, err := os.ReadFile(filepath.Join(module.Dir, "LICENSE.txt"))
	if err != nil {
		return err
	}
	var all []string
	for line := range strings.Lines(string(ranked)) {
		if fields := strings.Fields(line); len(fields) == 2 { // a password and how often it was seen
			if p := strings.ToLower(password.Normal(fields[0])); utf8.RuneCountInString(p) >= shortest {
				all = append(all, p)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if err := os.WriteFile("common.txt", []byte(strings.Join(all, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	fmt.Printf("%d passwords\n", len(all))
	return os.WriteFile("common.LICENSE", license, 0o644)
}
