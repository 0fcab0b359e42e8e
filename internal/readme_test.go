package internal

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest    = regexp.MustCompile("`(Test[A-Z]\\w+)`")
	declaredTest = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// What a README promises it shows by tests, whose names change.
func TestTheTestsThatReadmesNameAreThere(t *testing.T) {
	declared, named := map[string]bool{}, map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.Contains(built, d.Name()) && filepath.Dir(path) == ".."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go") && d.Name() != "README.md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range declaredTest.FindAllSubmatch(text, -1) {
			declared[string(m[1])] = true
		}
		for _, m := range namedTest.FindAllSubmatch(text, -1) {
			if d.Name() == "README.md" {
				named[string(m[1])] = path
			}
		}
		return nil
	})
	if err != nil || len(named) == 0 {
		t.Fatalf("%d tests are named, error %v", len(named), err)
	}
	for name, path := range named {
		if !declared[name] {
			t.Errorf("%s names %s, which is not there", path, name)
		}
	}
}
