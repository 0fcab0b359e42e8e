package api

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// bounds is what a declaration in the notation of the struct tag "schema" says of a value, as far
// as it bounds it. The OpenAPI document says the same, because it is made of the same words.
type bounds struct {
	minLength, maxLength int64 // in characters
	minimum, maximum     int64
	enum                 []string
	pattern              string
	kind, format         string
	words                map[string]bool // those that are there
}

// readBounds panics on what it cannot read: a route with such a declaration must not start.
func readBounds(declaration string) bounds {
	b := bounds{words: map[string]bool{}}
	for word := range strings.FieldsSeq(declaration) {
		name, value, _ := strings.Cut(word, "=")
		b.words[name] = true
		into := map[string]*int64{"minLength": &b.minLength, "maxLength": &b.maxLength, "minimum": &b.minimum, "maximum": &b.maximum}[name]
		switch {
		case into != nil:
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				panic(fmt.Sprintf("the bound %s is no whole number", word))
			}
			*into = n
		case name == "enum":
			b.enum = strings.Split(value, "|")
		case name == "pattern":
			b.pattern = value
		case name == "type":
			b.kind = value
		case name == "format":
			b.format = value
		}
	}
	return b
}

// patterns are those that were compiled. To compile all of them would delay the start of a function.
var patterns sync.Map

func compiled(pattern string) *regexp.Regexp {
	if p, ok := patterns.Load(pattern); ok {
		return p.(*regexp.Regexp)
	}
	p := regexp.MustCompile(pattern)
	patterns.Store(pattern, p)
	return p
}

// boundsText reports whether a text can be only so long.
func (b bounds) boundsText() bool { return b.enum != nil || b.words["maxLength"] }

// text says what is wrong with a text, "" if nothing is.
func (b bounds) text(s string) string {
	n := int64(utf8.RuneCountInString(s))
	switch {
	case b.enum != nil && !slices.Contains(b.enum, s):
		return "This is one of: " + strings.Join(b.enum, ", ") + "."
	case n < b.minLength || b.words["maxLength"] && n > b.maxLength:
		return fmt.Sprintf("This has %d to %d characters.", b.minLength, b.maxLength)
	case b.pattern != "" && !compiled(b.pattern).MatchString(s):
		return "This has the form " + b.pattern + "."
	}
	return ""
}

// number says what is wrong with a number, "" if nothing is.
func (b bounds) number(n int64) string {
	if n < b.minimum || n > b.maximum {
		return fmt.Sprintf("This is a whole number from %d to %d.", b.minimum, b.maximum)
	}
	return ""
}

// bounded is a field of a body with its bounds.
type bounded struct {
	index   []int
	pointer string
	bounds
}

// boundedFields lists the fields of a body. It panics at one whose size nothing bounds.
func boundedFields(body reflect.Type) (all []bounded) {
	for _, f := range reflect.VisibleFields(body) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		field := bounded{f.Index, "/" + name, readBounds(f.Tag.Get("schema"))}
		switch {
		case kind.Kind() == reflect.Bool:
		case kind.Kind() == reflect.Struct:
			for _, inner := range boundedFields(kind) {
				inner.index, inner.pointer = append(slices.Clone(f.Index), inner.index...), "/"+name+inner.pointer
				all = append(all, inner)
			}
		case kind.Kind() == reflect.String && field.boundsText(),
			kind.Kind() == reflect.Int64 && field.words["minimum"] && field.words["maximum"]:
			all = append(all, field)
		default:
			panic(fmt.Sprintf("the field %s of %s has no bound", f.Name, body))
		}
	}
	return all
}

// check is an [ErrInvalid] that names every field that is out of its bounds. What is left out is
// in them.
func check(fields []bounded, body reflect.Value) error {
	var bad Invalid
	for _, f := range fields {
		value := body.FieldByIndex(f.index)
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				continue
			}
			value = value.Elem()
		}
		wrong := ""
		if value.Kind() == reflect.String {
			wrong = f.text(value.String())
		} else {
			wrong = f.number(value.Int())
		}
		if wrong != "" {
			bad.Add(f.pointer, wrong)
		}
	}
	return bad.Err()
}

// unseen reports whether a character does something instead of being seen: those that control,
// end lines, or turn the direction of what comes after them.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// Seen reports whether every character of a text can be seen.
func Seen(s string) bool { return !strings.ContainsFunc(s, unseen) }

// Blank reports whether nothing of a text can be seen: it has spaces, marks without a letter, and joiners
// at most.
func Blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.In(r, unicode.Zs, unicode.M, unicode.Other_Default_Ignorable_Code_Point)
	})
}
