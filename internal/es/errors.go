package es

import "time"

// Kind is what an error means to whoever asked. The HTTP adapter maps each kind to one
// status.
type Kind uint8

// The kinds of errors.
const (
	Malformed       Kind = iota + 1 // the request cannot be read
	Unauthenticated                 // nobody known is asking
	Forbidden                       // somebody known who may not
	NotFound                        // there is no such thing, or not for this caller
	Conflict                        // it contradicts the present state
	Stale                           // the caller expected another version
	TooLarge                        // more than fits
	Rejected                        // readable, and against a rule
	Limited                         // too many tries
	Unavailable                     // try again; the outcome is unknown
)

// Error is an error that a caller may see. Code is a stable slug ("email-taken"), Message a
// sentence for people. Anything that is not an *Error stays inside and shows as a 500.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	Fields  []FieldError
	After   time.Duration // of one that is Limited: how long to wait before the next try
	Hides   bool          // the caller learns nothing of what is there, as from one that is NotFound
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Pointer string // JSON pointer (RFC 6901) into the body
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Is reports whether target carries the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// The errors of the core.
var (
	// ErrConflict: another commit took the version this one was decided for, and kept doing
	// so through every retry. Nothing was stored.
	ErrConflict = &Error{Kind: Conflict, Code: "conflict", Message: "Others kept changing this at the same time. Try again."}
	// ErrStale: the stream is not at the version that the caller expected.
	ErrStale = &Error{Kind: Stale, Code: "version-mismatch", Message: "The object has changed since the version in If-Match."}
	// ErrKeyReused: the command id was used before, for another command.
	ErrKeyReused = &Error{Kind: Rejected, Code: "idempotency-key-reused", Message: "This Idempotency-Key was used for a different request."}
	// ErrTooLarge: the commit would not fit the store. Nothing was stored.
	ErrTooLarge = &Error{Kind: TooLarge, Code: "commit-too-large", Message: "The change is too large to be stored as one commit."}
	// ErrErased: the person whom it is about has been erased. Nothing was stored.
	ErrErased = &Error{Kind: Conflict, Code: "erased", Message: "The person whom this is about has been erased."}
	// ErrUnreachable: the store could not be read. Nothing was changed by that.
	ErrUnreachable = &Error{Kind: Unavailable, Code: "unreachable", Message: "The database does not answer. Try again."}
	// ErrUnavailable: the store did not say whether it stored the commit. Repeating the
	// command with the same command id is safe.
	ErrUnavailable = &Error{Kind: Unavailable, Code: "unavailable", Message: "The outcome is not known. Repeat the request with the same Idempotency-Key."}
)
