package topology

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
)

// sample is a value that fits a declaration of a field or a parameter.
func sample(kind reflect.Type, declaration string) any {
	least, enum := 0, ""
	for word := range strings.FieldsSeq(declaration) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "minLength", "minimum":
			fmt.Sscan(value, &least)
		case "enum":
			enum, _, _ = strings.Cut(value, "|")
		}
	}
	switch {
	case kind.Kind() == reflect.Pointer:
		return sample(kind.Elem(), declaration)
	case kind.Kind() == reflect.Struct:
		return sampleBody(kind)
	case kind.Kind() == reflect.Bool:
		return true
	case kind.Kind() != reflect.String:
		return least
	case enum != "":
		return enum
	}
	return strings.Repeat("A", least)
}

func sampleBody(t reflect.Type) map[string]any {
	body := map[string]any{}
	for _, f := range reflect.VisibleFields(t) {
		body[nameOf(f)] = sample(f.Type, f.Tag.Get("schema"))
	}
	return body
}

func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// eachField calls do with every field of a body that holds a text or a number, with the object that
// it is in and the pointer to it.
func eachField(t reflect.Type, body map[string]any, at string, do func(f reflect.StructField, in map[string]any, pointer string)) {
	for _, f := range reflect.VisibleFields(t) {
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch pointer := at + "/" + nameOf(f); kind.Kind() {
		case reflect.Struct:
			eachField(kind, body[nameOf(f)].(map[string]any), pointer, do)
		case reflect.Bool:
		default:
			do(f, body, pointer)
		}
	}
}

func refused(t *testing.T, r api.Route, body any) *es.Error {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	// No route has anything to work with here, so whatever comes past the bounds crashes.
	defer func() {
		if crash := recover(); crash != nil {
			t.Fatalf("%s takes %s: %v", r.Key(), text[:min(len(text), 200)], crash)
		}
	}()
	_, err = r.Serve(t.Context(), api.Call{}, text)
	known := new(es.Error)
	if !errors.As(err, &known) {
		t.Fatalf("%s answers %s with the error %v", r.Key(), text[:min(len(text), 200)], err)
	}
	return known
}

func pointsTo(e *es.Error, pointer string) bool {
	return slices.ContainsFunc(e.Fields, func(f es.FieldError) bool { return f.Pointer == pointer })
}

func TestEveryFieldOfEveryBodyIsBoundedAndRefusedWithAPointerToIt(t *testing.T) {
	fields := 0
	for _, r := range API() {
		if r.In == nil {
			continue
		}
		whole := sampleBody(r.In)
		eachField(r.In, whole, "", func(f reflect.StructField, in map[string]any, pointer string) {
			fields++
			fits := in[nameOf(f)]
			defer func() { in[nameOf(f)] = fits }()
			far, wrongKinds := []any{strings.Repeat("A", 10_000)}, []any{nil, true, []any{}, map[string]any{}, 5}
			if _, isText := fits.(string); !isText {
				far, wrongKinds = []any{1 << 60, -1 << 60}, []any{true, "5", 5.5, json.Number("1e999"), json.Number("1e2"), []any{}}
			}
			for _, value := range far {
				in[nameOf(f)] = value
				if e := refused(t, r, whole); e.Code != api.ErrInvalid.Code || !pointsTo(e, pointer) {
					t.Errorf("%s: %s far over its bound is refused with %+v", r.Key(), pointer, e)
				}
			}
			for _, value := range wrongKinds {
				if value == nil && f.Type.Kind() == reflect.Pointer {
					continue // is the same as to leave it out
				}
				in[nameOf(f)] = value
				if e := refused(t, r, whole); e.Code != api.ErrMalformed.Code || !pointsTo(e, pointer) {
					t.Errorf("%s: %v as %s is refused with %+v", r.Key(), value, pointer, e)
				}
			}
		})
	}
	if fields < 20 {
		t.Errorf("only %d fields were looked at", fields)
	}
}

func TestEveryTextInAQueryOrHeaderIsBounded(t *testing.T) {
	for _, r := range API() {
		for _, p := range r.Params {
			if p.In == "path" || strings.Contains(p.Schema, "type=") || strings.Contains(p.Schema, "format=") {
				continue
			}
			long := strings.Repeat("A", 10_000)
			_, err := r.Declared(map[string]string{p.Name: long}, map[string]string{strings.ToLower(p.Name): long})
			if known := (*es.Error)(nil); !errors.As(err, &known) || known.Code != api.ErrMalformed.Code || !strings.HasPrefix(known.Message, p.Name) {
				t.Errorf("%s takes a %s of 10,000 characters: %v", r.Key(), p.Name, err)
			}
		}
	}
}
