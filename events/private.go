package events

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
)

// Erased is what stands in an event for a personal text whose key has been destroyed.
const Erased = "[erased]"

// Divided is an event's payload in two: what anybody who reads the table may see, and what
// is sealed before it is stored, the fields marked personal and secret.
type Divided struct {
	Open    []byte // JSON
	Private []byte // JSON; nil: nothing
	Subject string // whose Private is; "": of the person whose id the stream has
}

// Divide gives an event's payload in its two parts. [Join] puts them together again.
func Divide(e Event) (d Divided, err error) {
	v := reflect.ValueOf(e)
	open, private := object{}, object{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		field := v.FieldByIndex(f.Index)
		mark := f.Tag.Get(dataTag)
		part := &open
		if isPrivate(mark) {
			part = &private
		}
		if mark == "subject" {
			d.Subject = field.String()
		}
		if err := part.add(jsonName(f), field.Interface()); err != nil {
			return d, fmt.Errorf("encode %s: %w", e.EventType(), err)
		}
	}
	d.Open = open.bytes()
	if len(private.members) > 0 {
		d.Private = private.bytes()
	}
	return d, nil
}

func isPrivate(mark string) bool { return mark == "personal" || mark == "secret" }

// Join makes one payload of the two parts of a divided one.
func Join(open, private []byte) ([]byte, error) {
	if len(open) < 2 || len(private) < 2 || open[len(open)-1] != '}' || private[0] != '{' {
		return nil, fmt.Errorf("join a payload: its parts are no JSON objects")
	}
	switch {
	case len(open) == 2:
		return private, nil
	case len(private) == 2:
		return open, nil
	}
	joined := make([]byte, 0, len(open)+len(private)-1)
	joined = append(append(joined, open[:len(open)-1]...), ',')
	return append(joined, private[1:]...), nil
}

// ErasedPart gives what takes the place of the private part of an event of a type once its
// key has been destroyed: [Erased] for each personal text, the zero value for all else.
func ErasedPart(eventType string) ([]byte, error) {
	d, ok := catalog[eventType]
	if !ok {
		return nil, &UnknownTypeError{Type: eventType}
	}
	part := object{}
	for _, f := range reflect.VisibleFields(d.stored) {
		mark := f.Tag.Get(dataTag)
		if !isPrivate(mark) {
			continue
		}
		value := reflect.New(f.Type).Elem()
		if mark == "personal" && f.Type.Kind() == reflect.String {
			value.SetString(Erased)
		}
		if err := part.add(jsonName(f), value.Interface()); err != nil {
			return nil, err
		}
	}
	return part.bytes(), nil
}

// object is a JSON object in the making.
type object struct{ members []string }

func (o *object) add(name string, value any) error {
	text, err := jsonv2.Marshal(value, encoding)
	o.members = append(o.members, strconv.Quote(name)+":"+string(text))
	return err
}

func (o *object) bytes() []byte { return []byte("{" + strings.Join(o.members, ",") + "}") }
