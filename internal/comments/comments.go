// Package comments reads what this repository's source says about its own types, for
// documents that are generated from them.
package comments

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Source is the source of a module, of which packages are read when they are asked for.
type Source struct {
	Root     string // the folder with go.mod
	Module   string // its path
	packages map[string]*declared
}

// declared is what a package declares.
type declared struct {
	types  map[string]string   // by type: its comment
	fields map[string]string   // by type.field: its comment
	values map[string][]string // by type: the texts of its constants
}

// Type is what is said of a type, beginning after its name: "An account as its owner sees it."
// for "UserRow is an account as its owner sees it." It is "" for a type of another module.
func (s *Source) Type(t reflect.Type) string {
	name := plain(t)
	text := strings.TrimPrefix(s.of(t).types[name], name+" ")
	for _, verb := range []string{"is ", "are "} {
		text = strings.TrimPrefix(text, verb)
	}
	return sentence(text)
}

// Field is what is said of a field of a type.
func (s *Source) Field(t reflect.Type, field string) string {
	return sentence(s.of(t).fields[plain(t)+"."+field])
}

// Values lists the constants of a type of texts.
func (s *Source) Values(t reflect.Type) []string { return s.of(t).values[plain(t)] }

// plain is the name of a type without its arguments.
func plain(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}

// sentence begins with a capital letter.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if text == "" {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// of reads the package of a type; of one outside of the module it knows nothing.
func (s *Source) of(t reflect.Type) *declared {
	folder, ok := strings.CutPrefix(t.PkgPath(), s.Module+"/")
	if !ok {
		return new(declared)
	}
	if d, ok := s.packages[folder]; ok {
		return d
	}
	d := &declared{map[string]string{}, map[string]string{}, map[string][]string{}}
	entries, err := os.ReadDir(filepath.Join(s.Root, folder))
	if err != nil {
		panic(err) // it has been compiled in
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(s.Root, folder, name), nil, parser.ParseComments)
			if err != nil {
				panic(err)
			}
			d.add(file)
		}
	}
	if s.packages == nil {
		s.packages = map[string]*declared{}
	}
	s.packages[folder] = d
	return d
}

func (d *declared) add(file *ast.File) {
	for _, one := range file.Decls {
		group, ok := one.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				d.types[spec.Name.Name] = text(spec.Doc, group.Doc)
				if s, ok := spec.Type.(*ast.StructType); ok {
					d.addFields(spec.Name.Name, s)
				}
			case *ast.ValueSpec:
				d.addValue(spec)
			}
		}
	}
}

func (d *declared) addFields(of string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			d.fields[of+"."+name.Name] = text(f.Comment, f.Doc)
		}
	}
}

func (d *declared) addValue(spec *ast.ValueSpec) {
	of, ok := spec.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, v := range spec.Values {
		if literal, ok := v.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if value, err := strconv.Unquote(literal.Value); err == nil {
				d.values[of.Name] = append(d.values[of.Name], value)
			}
		}
	}
}

// text is the first of the comments that there are, on one line.
func text(comments ...*ast.CommentGroup) string {
	for _, c := range comments {
		if c != nil {
			return strings.NewReplacer("[", "", "]", "").Replace(strings.Join(strings.Fields(c.Text()), " "))
		}
	}
	return ""
}
