// Package trace knows the trace context of the W3C (https://www.w3.org/TR/trace-context/), by
// which what one request leads to is found together, and what a span is made of.
package trace

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// ID names a trace, which is everything that one request leads to.
type ID [16]byte

// SpanID names one piece of work in a trace.
type SpanID [8]byte

func (id ID) String() string     { return hex.EncodeToString(id[:]) }
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// Context is a span's place in its trace. The zero value is none.
type Context struct {
	Trace   ID
	Span    SpanID
	Sampled bool // whoever began the trace has its spans recorded
}

// Parse reads a traceparent. As the standard wants it, one of a later version is read as far as
// it is known; ok is false for any that is not valid.
func Parse(traceparent string) (c Context, ok bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(traceparent) < length {
		return Context{}, false
	}
	first, rest := traceparent[:length], traceparent[length:]
	var version, flags [1]byte
	if first[2] != '-' || first[35] != '-' || first[52] != '-' ||
		!unhex(version[:], first[:2]) || !unhex(c.Trace[:], first[3:35]) || !unhex(c.Span[:], first[36:52]) || !unhex(flags[:], first[53:]) ||
		c.Trace == (ID{}) || c.Span == (SpanID{}) {
		return Context{}, false
	}
	if version[0] == 0xff || version[0] == 0 && rest != "" || rest != "" && rest[0] != '-' {
		return Context{}, false
	}
	c.Sampled = flags[0]&1 != 0
	return c, true
}

// unhex reads hexadecimal digits, none of which may be a capital.
func unhex(into []byte, digits string) bool {
	if strings.ContainsAny(digits, "ABCDEF") {
		return false
	}
	_, err := hex.Decode(into, []byte(digits))
	return err == nil
}

// String is the traceparent, "" for no context.
func (c Context) String() string {
	if c == (Context{}) {
		return ""
	}
	b := make([]byte, 0, 55)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.Trace[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	if c.Sampled {
		return string(append(b, "-01"...))
	}
	return string(append(b, "-00"...))
}

// Begin gives the context of a new span: a child of its parent, or if that is none the first
// one of a trace. It panics if there is no randomness.
func Begin(parent Context, sampled bool, rand io.Reader) Context {
	var random [24]byte
	c := parent
	needed := random[:len(c.Span)]
	if parent == (Context{}) {
		c.Sampled, needed = sampled, random[:]
	}
	if _, err := io.ReadFull(rand, needed); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	copy(c.Span[:], needed)
	copy(c.Trace[:], needed[len(c.Span):])
	return c
}

// The bounds of a tracestate that is passed on.
const (
	maxState   = 512 // characters
	maxMembers = 32
)

// State gives a tracestate that may be passed on: the same one, or "" if it is not valid or
// longer than has to be passed on.
func State(tracestate string) string {
	if len(tracestate) > maxState {
		return ""
	}
	members := strings.Split(tracestate, ",")
	if len(members) > maxMembers {
		return ""
	}
	seen := map[string]bool{}
	for _, m := range members {
		if m = strings.Trim(m, " \t"); m == "" {
			continue
		}
		key, value, ok := strings.Cut(m, "=")
		if !ok || seen[key] || !isKey(key) || !isValue(value) {
			return ""
		}
		seen[key] = true
	}
	return tracestate
}

func isKey(key string) bool {
	tenant, system, multi := strings.Cut(key, "@")
	starts := func(s, with string) bool { return s != "" && strings.ContainsRune(with, rune(s[0])) }
	const letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	if multi {
		if len(tenant) > 241 || len(system) > 14 || !starts(tenant, letters+digits) || !starts(system, letters) {
			return false
		}
	} else if len(key) > 256 || !starts(key, letters) {
		return false
	}
	return !strings.ContainsFunc(tenant+system, func(r rune) bool { return !strings.ContainsRune(letters+digits+"_-*/", r) })
}

func isValue(value string) bool {
	return value != "" && len(value) <= 256 && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || r == ',' || r == '=' })
}

// Kind is what a span is to others, by OpenTelemetry's number.
type Kind int

// The kinds of spans that there are here.
const (
	Server   Kind = 2 // answers a request
	Client   Kind = 3 // asks somebody
	Consumer Kind = 5 // takes what somebody has left
)

// Span is a piece of work that has ended.
type Span struct {
	Context
	Parent     SpanID // zero: none
	State      string // tracestate
	Kind       Kind
	Name       string
	Begun      time.Time
	Ended      time.Time
	Attributes []Attribute
	Links      []Context // to the spans that led to it
	Failed     bool
}

// Attribute says something about a span. Value is a string, an int or a bool.
type Attribute struct {
	Name  string
	Value any
}
