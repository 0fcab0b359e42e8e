// Package events is the stored contract of Annals: every event's Go struct, its explicit
// versioned name, the upcasters that bring old versions forward, and one golden file for
// each version ever shipped (testdata/).
//
// What is written under a name stays readable under that name for ever. A struct whose
// stored form has to change gets a new version in its name; the old form stays here,
// unexported, with an upcaster.
package events

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Event is a fact that has happened, named in the past tense.
type Event interface {
	// EventType is the name the event is stored under, such as "user.created.v1". It is
	// written out by hand so that renaming a Go type never changes what is stored.
	EventType() string
}

// UnknownTypeError reports a stored name that this build does not know: a newer version of
// the system wrote it, or the name is damaged. Such an event is never skipped.
type UnknownTypeError struct{ Type string }

func (e *UnknownTypeError) Error() string { return fmt.Sprintf("unknown event type %q", e.Type) }

// Encode gives an event's stored form: its name and its JSON payload. Every field is there.
func Encode(e Event) (eventType string, data []byte, err error) {
	data, err = jsonv2.Marshal(e, encoding)
	if err != nil {
		return "", nil, fmt.Errorf("encode %s: %w", e.EventType(), err)
	}
	return e.EventType(), data, nil
}

// encoding gives the same bytes for the same event. Text that is not UTF-8 is refused, as it
// would not come back as it was.
var encoding = jsonv2.Deterministic(true)

// Decode reads a stored event, upcast to its newest version. The error is an
// *UnknownTypeError for a name that is not in the catalog.
func Decode(eventType string, data []byte) (Event, error) {
	d, ok := catalog[eventType]
	if !ok {
		return nil, &UnknownTypeError{Type: eventType}
	}
	e, err := d.decode(data)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", eventType, err)
	}
	return e, nil
}

// Types lists every name that Decode knows, sorted.
func Types() []string { return slices.Sorted(maps.Keys(catalog)) }

// catalog maps every name ever stored to its decoder.
var catalog = merge(authEvents, userEvents, operatorEvents, fileEvents, paymentEvents, notificationEvents)

// definition is one name ever stored and how to read it.
type definition struct {
	eventType string
	decode    func([]byte) (Event, error)
	stored    reflect.Type // the struct that it is stored from
}

// current defines the newest version of an event.
func current[E Event]() definition {
	var zero E
	return definition{zero.EventType(), func(data []byte) (Event, error) {
		return decode[E](data)
	}, reflect.TypeFor[E]()}
}

// old defines a version that is read, but no longer written: the next version is made of it.
// Events of several versions ago are brought forward one version after the other.
func old[V interface{ upcast() Event }](eventType string) definition {
	return definition{eventType, func(data []byte) (Event, error) {
		v, err := decode[V](data)
		return v.upcast(), err
	}, reflect.TypeFor[V]()}
}

// decode reads a payload that has every field of V once and nothing else; any other one is
// not what was stored. Folding spends its time here: encoding/json takes twice as long, and
// takes names in another case.
func decode[V any](data []byte) (v V, err error) {
	if n, want := members(data), reflect.TypeFor[V]().NumField(); n != want {
		return v, fmt.Errorf("the payload has %d fields, not %d", n, want)
	}
	err = jsonv2.Unmarshal(data, &v, strict)
	return v, unquoted(err)
}

// unquoted says where a payload is wrong, and not with which value: errors go to the log and
// into the notes of what is parked, where nothing personal may be.
func unquoted(err error) error {
	var semantic *jsonv2.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &semantic):
		return fmt.Errorf("the payload has the wrong value at %q", semantic.JSONPointer)
	case errors.As(err, &syntactic):
		return fmt.Errorf("the payload is no JSON at byte %d", syntactic.ByteOffset)
	}
	return errors.New("the payload cannot be read")
}

var strict = jsonv2.RejectUnknownMembers(true)

// members counts the members of a JSON object; -1 if it is none.
func members(data []byte) (n int) {
	if len(data) == 0 || data[0] != '{' {
		return -1
	}
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i += quoted(data[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ':':
			if depth == 1 {
				n++
			}
		}
	}
	return n
}

// quoted is the length of the JSON string that data begins with, of all data if it has no end.
func quoted(data []byte) int {
	for end := 1; ; {
		i := bytes.IndexByte(data[end:], '"')
		if i < 0 {
			return len(data)
		}
		end += i
		escapes := end
		for data[escapes-1] == '\\' {
			escapes--
		}
		end++
		if (end-1-escapes)%2 == 0 {
			return end
		}
	}
}

func merge(modules ...[]definition) map[string]definition {
	all := map[string]definition{}
	for _, definitions := range modules {
		for _, d := range definitions {
			all[d.eventType] = d
		}
	}
	return all
}

// Fields of events, of the states that they add up to and of the rows of views are marked
// with the struct tag "data": "personal" for what tells something about a person, "secret"
// for what nobody may ever be shown; in events "subject" for the id of the person that these
// are about, if it is not the id of the stream.
const dataTag = "data"

// Disclose gives a value as JSON for a reader: everything but the fields marked secret and,
// for one who may not see personal data, those marked personal, however deep they are.
func Disclose(v any, personal bool) (json.RawMessage, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("disclose a %T: %w", v, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var shown any
	if err := d.Decode(&shown); err != nil {
		return nil, fmt.Errorf("disclose a %T: %w", v, err)
	}
	withhold(reflect.TypeOf(v), shown, personal)
	return json.Marshal(shown)
}

// withhold deletes the marked fields from the JSON of a value of this type.
func withhold(t reflect.Type, shown any, personal bool) {
	switch t.Kind() {
	case reflect.Pointer:
		withhold(t.Elem(), shown, personal)
	case reflect.Slice, reflect.Array:
		members, _ := shown.([]any) // bytes are a string
		for _, m := range members {
			withhold(t.Elem(), m, personal)
		}
	case reflect.Map:
		members, _ := shown.(map[string]any)
		for _, m := range members {
			withhold(t.Elem(), m, personal)
		}
	case reflect.Struct:
		fields, ok := shown.(map[string]any)
		if !ok {
			return // a time and the like, which write themselves
		}
		for _, f := range reflect.VisibleFields(t) {
			if mark := f.Tag.Get(dataTag); mark == "secret" || mark == "personal" && !personal {
				delete(fields, jsonName(f))
			} else {
				withhold(f.Type, fields[jsonName(f)], personal)
			}
		}
	}
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return cmp.Or(name, f.Name)
}
