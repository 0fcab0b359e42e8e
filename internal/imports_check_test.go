package internal

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/interview-sandbox/annals"

// source is what the rules look at in one Go file.
type source struct {
	path    string            // from the top of the repository
	imports map[string]string // import path by the name it has in the file
	uses    []string          // "time.Now" and the like
}

func (s source) folder() string { return path.Dir(s.path) }
func (s source) isTest() bool   { return strings.HasSuffix(s.path, "_test.go") }

// parse reads a file whatever it is built for, because a rule holds on every system.
func parse(name string, text []byte) (source, error) {
	s := source{path: name, imports: map[string]string{}}
	f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
	if err != nil {
		return s, err
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return s, err
		}
		known := nameOf(imported)
		if spec.Name != nil {
			known = spec.Name.Name
		}
		if known == "_" || known == "." {
			known += imported // several imports may have these names, and none is used by them
		}
		s.imports[known] = imported
	}
	ast.Inspect(f, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// A name with an Obj is a variable of the file, not an import.
		if x, ok := selector.X.(*ast.Ident); ok && x.Obj == nil && s.imports[x.Name] != "" {
			s.uses = append(s.uses, s.imports[x.Name]+"."+selector.Sel.Name)
		}
		return true
	})
	return s, nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// nameOf is the name of an imported package by custom.
func nameOf(imported string) string {
	if name := path.Base(imported); !majorVersion.MatchString(name) {
		return name
	}
	return path.Base(path.Dir(imported))
}

// check says what in a file breaks the rules, and why they are there.
func check(s source) []string {
	i := slices.IndexFunc(places, func(p place) bool { return within(s.folder(), p.folders) })
	if i < 0 {
		return []string{fmt.Sprintf("%s: the folder %s has no rule; give it one job and a line among the places", s.path, s.folder())}
	}
	p := places[i]
	var violations []string
	found := func(what, why string) {
		violations = append(violations, fmt.Sprintf("%s: %s: %s", s.path, what, why))
	}
	for name, imported := range s.imports {
		if strings.HasPrefix(name, ".") {
			found("imports the names of "+imported, "a name has to show where it is from")
		}
		switch target, own := strings.CutPrefix(imported, module+"/"); {
		case standard(imported):
		case own && s.isTest() && within(target, s.folder()+" "+forTests[""]+" "+forTests[s.folder()]):
		case own && !s.isTest() && target == testHelper:
			found("imports "+target, "what helps tests has no place in a program")
		case own && !within(target, p.may):
			found("imports "+target, p.why)
		case !own && !slices.ContainsFunc(strings.Fields(p.may), func(prefix string) bool { return prefix == "*" || below(imported, prefix) }):
			found("imports "+imported, p.why)
		}
	}
	for _, used := range s.uses {
		for _, power := range powers {
			if !s.isTest() && power.uses.MatchString(used) && !slices.Contains(strings.Fields(p.powers), power.name) {
				found("uses "+used, power.why)
			}
		}
	}
	slices.Sort(violations)
	return violations
}

// standard reports whether a package is Go's own: no other has a path without a dot in front.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// within reports whether a folder is one of a list.
func within(folder, list string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(pattern string) bool {
		parent, whole := strings.CutSuffix(pattern, "/...")
		return folder == parent || whole && below(folder, parent)
	})
}

// below reports whether a path is a prefix or goes on from it after a slash.
func below(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func belongsAtTop(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains(strings.Fields(topLevel), name)
}
