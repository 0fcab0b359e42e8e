package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/interview-sandbox/annals/internal/es"
)

// Call is one request, apart from its body.
type Call struct {
	Caller  Caller
	Params  map[string]string // of the path
	Query   map[string]string // what the route declares, and no more
	Headers map[string]string // by their names in lower case
	Client  string            // the program that calls, as it calls itself; at most 200 characters
	Source  string            // the network address that it comes from
	Meta    es.Meta           // for the commits it leads to
	IfMatch *es.Version       // the version the stream has to be at
	// NewID makes the id for an object of this kind that the call creates: the same for
	// every repeat of a call with an Idempotency-Key.
	NewID func(kind string) string
	// Secret makes 32 bytes that nobody can guess: new ones for every call, but the same for
	// every repeat of a call with an Idempotency-Key.
	Secret func(purpose string) []byte
	// Fingerprint gives the keyed hash by which a repeat of this call is known; nil if the
	// call has no Idempotency-Key.
	Fingerprint func(request []byte) []byte
}

// fingerprint notes what was asked, independent of the body's spelling.
func (c *Call) fingerprint(r Route, in any) error {
	if c.Fingerprint == nil {
		return nil
	}
	open, secrets := c.apart(in)
	request, err := json.Marshal([]any{r.Key(), c.Params, c.Query, open, secrets}, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("note what %s asked: %w", r.Key(), err)
	}
	c.Meta.Fingerprint = c.Fingerprint(request)
	return nil
}

// apart gives a body without its secrets, the texts marked `data:"secret"`, and a byte of the keyed
// hash of each. All of the hash would let whoever has it and the key try passwords far faster than
// the hash that they are stored as; a byte tells 255 of 256 others from a repeat.
func (c *Call) apart(in any) (open any, secrets []byte) {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Struct {
		return in, nil
	}
	rest := reflect.New(v.Type()).Elem()
	rest.Set(v)
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Tag.Get("data") == "secret" {
			secrets = append(secrets, c.Fingerprint([]byte(v.FieldByIndex(f.Index).String()))[0])
			rest.FieldByIndex(f.Index).SetZero()
		}
	}
	return rest.Interface(), secrets
}

// Keyed reports whether the call has an Idempotency-Key.
func (c Call) Keyed() bool { return c.Fingerprint != nil }

// maxWait is how long a call can be waited for, so that it is answered before its function's
// time is up.
const maxWait = 8 * time.Second

// Wait is how long the caller prefers to wait for the outcome of what is done after the
// answer (Prefer: wait=5, RFC 7240), at most 8 s; 0: not at all. As a preference, what cannot
// be read is none.
func (c Call) Wait() time.Duration {
	for preference := range strings.SplitSeq(c.Headers["prefer"], ",") {
		preference, _, _ = strings.Cut(preference, ";")
		name, value, _ := strings.Cut(preference, "=")
		if strings.EqualFold(strings.TrimSpace(name), "wait") {
			if n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 16); err == nil {
				return min(time.Duration(n)*time.Second, maxWait)
			}
		}
	}
	return 0
}

// ID is the path's {id}. Something that is no id names nothing: [ErrNotFound].
func (c Call) ID() (string, error) {
	if id := c.Params["id"]; es.ValidID(id) {
		return id, nil
	}
	return "", ErrNotFound
}

// Moment reads ?atLeast=, ?version= and ?at=.
func (c Call) Moment() (es.Moment, error) {
	var m es.Moment
	var err error
	for name, into := range map[string]*es.Version{"atLeast": &m.AtLeast, "version": &m.Version} {
		if *into, err = c.Version(name); err != nil {
			return m, err
		}
	}
	if m.At, err = c.Time("at"); err != nil {
		return m, err
	}
	if m.Version > 0 && !m.At.IsZero() {
		return m, Malformed("Ask for ?version= or for ?at=, not for both.")
	}
	return m, nil
}

// Version reads a version out of the query; 0 if it is not there.
func (c Call) Version(name string) (es.Version, error) {
	s, ok := c.Query[name]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n == 0 {
		return 0, Malformed("?" + name + "= takes a version, which is a whole number from 1.")
	}
	return es.Version(n), nil
}

// Time reads a time out of the query; zero if it is not there.
func (c Call) Time(name string) (at time.Time, err error) {
	s, ok := c.Query[name]
	if !ok {
		return at, nil
	}
	if at, err = time.Parse(time.RFC3339, s); err != nil {
		return at, Malformed("?" + name + "= takes a time such as 2026-01-02T03:04:05Z (RFC 3339).")
	}
	if at.IsZero() {
		at = at.Add(1) // the zero time would mean that none is asked for
	}
	return at, nil
}

// The refusals of what requests say.
var (
	ErrMalformed = &es.Error{Kind: es.Malformed, Code: "malformed", Message: "The request cannot be read."}
	ErrInvalid   = &es.Error{Kind: es.Rejected, Code: "invalid", Message: "Some values are not acceptable."}
)

// Malformed refuses a request that cannot be read: it is an [ErrMalformed].
func Malformed(message string, fields ...es.FieldError) error {
	return &es.Error{Kind: ErrMalformed.Kind, Code: ErrMalformed.Code, Message: message, Fields: fields}
}

// Invalid collects what is wrong with the values of a request's body.
type Invalid []es.FieldError

// Add notes one more wrong value, by the JSON pointer to it.
func (i *Invalid) Add(pointer, message string) {
	*i = append(*i, es.FieldError{Pointer: pointer, Message: message})
}

// Text trims a text of which something has to be seen, and in which nothing does anything else. How
// many characters it may have is declared with its field.
func (i *Invalid) Text(pointer, s string) string {
	s = strings.TrimSpace(s)
	switch {
	case Blank(s):
		i.Add(pointer, "This is not left empty.")
	case !Seen(s):
		i.Add(pointer, "This has no characters that cannot be seen.")
	}
	return s
}

// Err is nil if nothing was added, else an [ErrInvalid].
func (i Invalid) Err() error {
	if len(i) == 0 {
		return nil
	}
	return &es.Error{Kind: ErrInvalid.Kind, Code: ErrInvalid.Code, Message: ErrInvalid.Message, Fields: i}
}

// decode reads a body strictly: one JSON value of UTF-8, no unknown and no repeated names,
// no wrong types.
func decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return Malformed("The request needs a JSON body.")
	}
	if bytes.TrimSpace(body)[0] != '{' {
		return Malformed("The body has to be a JSON object.")
	}
	if tooDeep(body) {
		return Malformed(fmt.Sprintf("The body is nested deeper than %d levels.", maxDepth))
	}
	err := json.Unmarshal(body, into, json.RejectUnknownMembers(true), json.WithUnmarshalers(json.JoinUnmarshalers(noNull, whole)))
	if err == nil {
		return nil
	}
	pointer, what := explain(err)
	if len(pointer) > maxPointer {
		pointer = pointer[:maxPointer]
	}
	return Malformed("The body cannot be read.", es.FieldError{Pointer: string(pointer), Message: what})
}

// maxDepth is more than any body has.
const maxDepth = 8

// tooDeep reports whether values are nested deeper than maxDepth. It looks no further than that.
func tooDeep(body []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for d.StackDepth() <= maxDepth {
		if _, err := d.ReadToken(); err != nil {
			return false // the end, or what decode says better
		}
	}
	return true
}

// maxPointer keeps a body with a long name from coming back as its own pointer.
const maxPointer = 200

// noNull refuses null where a text belongs; where it may be left out, the field is a pointer.
var noNull = json.UnmarshalFromFunc(func(d *jsontext.Decoder, _ *string) error {
	if d.PeekKind() == 'n' {
		return errNull
	}
	return errors.ErrUnsupported
})

var errNull = errors.New("null is no text")

// whole reads whole numbers, also such as 5.0, which JSON Schema calls an integer. None of them is
// a float on its way.
var whole = json.UnmarshalFromFunc(func(d *jsontext.Decoder, n *int64) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	text, err := d.ReadValue()
	if err != nil {
		return err
	}
	digits, fraction, _ := strings.Cut(string(text), ".")
	if strings.Trim(fraction, "0") != "" {
		return errNotWhole
	}
	*n, err = strconv.ParseInt(digits, 10, 64)
	return err
})

var errNotWhole = errors.New("this is no whole number")

// explain says what is wrong with a body in words for people, without Go's types.
func explain(err error) (jsontext.Pointer, string) {
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return semantic.JSONPointer, "This field is not known."
	case errors.As(err, &semantic):
		return semantic.JSONPointer, "A value of this type does not belong here."
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic):
		return syntactic.JSONPointer, "This field is there twice."
	case errors.As(err, &syntactic):
		return syntactic.JSONPointer, fmt.Sprintf("This is not JSON at byte %d.", syntactic.ByteOffset)
	}
	return "", "This is not JSON."
}

// The bounds of ?limit=.
const (
	defaultLimit = 20
	maxLimit     = 100
)

// Page is which part of a list is asked for.
type Page struct {
	Limit  int
	Cursor string // where the previous page ended; "": from the start
}

// Page reads ?limit= and ?cursor=.
func (c Call) Page() (Page, error) {
	p := Page{Limit: defaultLimit}
	if s, ok := c.Query["limit"]; ok {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLimit {
			return p, Malformed(fmt.Sprintf("?limit= takes a whole number from 1 to %d.", maxLimit))
		}
		p.Limit = n
	}
	if s, ok := c.Query["cursor"]; ok {
		cursor, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || len(cursor) == 0 || base64.RawURLEncoding.EncodeToString(cursor) != s {
			return p, ErrCursor
		}
		p.Cursor = string(cursor)
	}
	return p, nil
}

// Descending reads ?order=: asc, which is the default, or desc.
func (c Call) Descending() (bool, error) {
	switch order, ok := c.Query["order"]; {
	case !ok || order == "asc":
		return false, nil
	case order == "desc":
		return true, nil
	}
	return false, Malformed("?order= takes asc or desc.")
}

// ErrCursor refuses a cursor that no answer of ours contained.
var ErrCursor = &es.Error{Kind: es.Malformed, Code: "malformed", Message: "?cursor= takes the nextCursor of an earlier answer to the same request."}

// List is the body that answers a request for a list.
type List[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"nextCursor"` // null on the last page
}

// NewList makes a page of a list; next says where the next one starts, "" if this is the
// last.
func NewList[T any](items []T, next string) List[T] {
	if items == nil {
		items = []T{}
	}
	l := List[T]{Items: items}
	if next != "" {
		opaque := base64.RawURLEncoding.EncodeToString([]byte(next))
		l.NextCursor = &opaque
	}
	return l
}
