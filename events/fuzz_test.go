package events

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// goldens adds every version ever shipped.
func goldens(f *testing.F, add func(eventType string, data []byte)) {
	f.Helper()
	for _, eventType := range Types() {
		data, err := os.ReadFile(golden(eventType))
		if err != nil {
			f.Fatal(err)
		}
		add(eventType, bytes.TrimSpace(data))
	}
}

// A payload is read whole or refused, and what was read is stored in one form only.
func FuzzDecode(f *testing.F) {
	goldens(f, func(eventType string, data []byte) { f.Add(eventType, data) })
	f.Add("payment.captured.v9", []byte(`{}`))
	f.Add("user.name-changed.v1", []byte(`{"old":"Ada","new":"\ud800"}`))
	f.Fuzz(func(t *testing.T, eventType string, data []byte) {
		e, err := Decode(eventType, data)
		if err != nil {
			if unknown := (*UnknownTypeError)(nil); !errors.As(err, &unknown) && !strings.HasPrefix(err.Error(), "decode "+eventType+": ") {
				t.Errorf("error %v", err)
			}
			return
		}
		name, first, err := Encode(e)
		if err != nil {
			t.Fatalf("%s cannot be stored again: %v", data, err)
		}
		back, err := Decode(name, first)
		if err != nil {
			t.Fatalf("%s cannot be read again: %v", first, err)
		}
		if _, second, err := Encode(back); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s becomes %s, error %v", first, second, err)
		}
		expectWhole(t, e, first)
		for _, personal := range []bool{true, false} {
			if _, err := Disclose(e, personal); err != nil {
				t.Errorf("%s cannot be shown: %v", first, err)
			}
		}
	})
}

// expectWhole demands that an event comes back together from its parts.
func expectWhole(t *testing.T, e Event, stored []byte) {
	t.Helper()
	parts, err := Divide(e)
	if err != nil || parts.Private == nil {
		return
	}
	joined, err := Join(parts.Open, parts.Private)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(e.EventType(), joined)
	if err != nil {
		t.Fatalf("the parts of %s cannot be read: %v", stored, err)
	}
	if _, again, err := Encode(back); err != nil || !bytes.Equal(again, stored) {
		t.Errorf("the parts of %s make %s, error %v", stored, again, err)
	}
}

// Parts that do not belong together make an event or an error, and nothing else.
func FuzzJoin(f *testing.F) {
	goldens(f, func(eventType string, data []byte) {
		e, err := Decode(eventType, data)
		if err != nil {
			f.Fatal(err)
		}
		parts, err := Divide(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e.EventType(), parts.Open, parts.Private)
	})
	f.Add("user.created.v1", []byte(`{`), []byte(`}`))
	f.Fuzz(func(t *testing.T, eventType string, open, private []byte) {
		joined, err := Join(open, private)
		if err != nil {
			return
		}
		e, err := Decode(eventType, joined)
		if err == nil && reflect.ValueOf(e).NumField() == 0 && len(joined) > len(open)+len(private) {
			t.Errorf("%s and %s make %s", open, private, joined)
		}
	})
}
