package generate

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/comments"
)

// schemas makes JSON Schemas of Go types as bodies are written and read: a struct is an object
// with the fields that it has and no others.
type schemas struct {
	source *comments.Source
	made   map[string]object       // by name
	types  map[string]reflect.Type // by name
}

// direction is which way a body goes.
type direction int

const (
	response direction = iota
	request
)

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
)

// of gives the schema of a type. That of a struct with a name is a reference.
func (s *schemas) of(t reflect.Type, d direction) object {
	switch {
	case t == timeType:
		return object{{"type", "string"}, {"format", "date-time"}}
	case t == rawType:
		return object{}
	}
	switch t.Kind() {
	case reflect.String:
		o := object{{"type", "string"}}
		if values := s.source.Values(t); len(values) > 0 {
			o.set("enum", values)
		}
		return o
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Float32, reflect.Float64:
		return object{{"type", "number"}}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Uint, reflect.Uint32, reflect.Uint64:
		return object{{"type", "integer"}, {"minimum", 0}}
	case reflect.Interface:
		return object{}
	case reflect.Pointer:
		return nullable(s.of(t.Elem(), d))
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", s.of(t.Elem(), d)}}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{{"type", "string"}, {"contentEncoding", "base64"}}
		}
		return object{{"type", "array"}, {"items", s.of(t.Elem(), d)}}
	case reflect.Struct:
		if t.Name() == "" {
			return s.object(t, d)
		}
		return s.named(t, d)
	}
	panic(fmt.Sprintf("no schema for a %s", t))
}

func nullable(o object) object {
	if kind, ok := o.get("type").(string); ok {
		o.set("type", []string{kind, "null"})
		return o
	}
	return object{{"anyOf", []object{o, {{"type", "null"}}}}}
}

// named is the reference to the schema of a struct, which is made the first time.
func (s *schemas) named(t reflect.Type, d direction) object {
	name := nameOf(t, d)
	if other, ok := s.types[name]; ok && other != t {
		name = capital(t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]) + name
	}
	if other, ok := s.types[name]; ok && other != t {
		panic(fmt.Sprintf("%s and %s are both shown as %s", t, other, name))
	}
	if s.types[name] == nil {
		s.types[name] = t
		s.made[name] = s.object(t, d)
	}
	return object{{"$ref", "#/components/schemas/" + name}}
}

// nameOf is how a type is shown: UserRow as User, List[UserRow] as UserList, and a body that is
// sent as a request.
func nameOf(t reflect.Type, d direction) string {
	if strings.HasPrefix(t.Name(), "List[") {
		return nameOf(t.Field(0).Type.Elem(), response) + "List"
	}
	name := capital(t.Name())
	for _, suffix := range []string{"Body", "Reply", "Row", "Item"} {
		name = strings.TrimSuffix(name, suffix)
	}
	if d == request {
		name += "Request"
	}
	return name
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// object is the schema of a struct.
func (s *schemas) object(t reflect.Type, d direction) object {
	o, properties, required := object{{"type", "object"}}, object{}, []string{}
	if text := s.source.Type(t); text != "" {
		o.set("description", text)
	}
	s.fields(t, d, &properties, &required)
	o.set("properties", properties)
	if len(required) > 0 {
		o.set("required", required)
	}
	o.set("additionalProperties", false)
	return o
}

// fields adds those of a struct, and those of the structs that it embeds.
func (s *schemas) fields(t reflect.Type, d direction, properties *object, required *[]string) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "":
			s.fields(f.Type, d, properties, required)
			continue
		}
		kind, optional := f.Type, strings.Contains(options, "omit")
		if d == request && !optional && kind.Kind() == reflect.Pointer {
			kind = kind.Elem() // nil is what is refused as missing
		}
		schema := s.of(kind, d)
		if tag := f.Tag.Get("schema"); tag != "" {
			schema = constrain(schema, tag)
		}
		if text := s.source.Field(t, f.Name); text != "" {
			schema.set("description", text)
		}
		if name == "" {
			name = f.Name
		}
		properties.set(name, schema)
		if !optional {
			*required = append(*required, name)
		}
	}
}

// words are those that a tag may have.
var words = strings.Fields("type format enum pattern minimum maximum minLength maxLength minItems maxItems default")

// constrain adds words of JSON Schema with their values, "format=uuid maxLength=36". Those of an
// array are for its items, unless they are about the array.
func constrain(schema object, tag string) object {
	schema = slices.Clone(schema)
	if items, ok := schema.get("items").(object); ok && !strings.Contains(tag, "Items") {
		schema.set("items", constrain(items, tag))
		return schema
	}
	for word := range strings.FieldsSeq(tag) {
		name, value, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(words, name) {
			panic(fmt.Sprintf("%q is no word of JSON Schema with a value", word))
		}
		schema.set(name, valueOf(name, value))
		if values, ok := schema.get("enum").([]any); ok && name == "enum" && isNullable(schema) {
			schema.set("enum", append(values, nil))
		}
	}
	return schema
}

func isNullable(schema object) bool {
	kinds, _ := schema.get("type").([]string)
	return slices.Contains(kinds, "null")
}

func valueOf(name, text string) any {
	if name == "enum" {
		var values []any
		for value := range strings.SplitSeq(text, "|") {
			values = append(values, value)
		}
		return values
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	return text
}

// components lists the schemas that were made, sorted by name.
func (s *schemas) components() (all object) {
	for _, name := range slices.Sorted(maps.Keys(s.made)) {
		all.set(name, s.made[name])
	}
	return all
}
