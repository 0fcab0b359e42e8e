package estest

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Names is the state of a small aggregate for tests: every name that was given to it, in
// order.
type Names []string

// Evolve implements [es.State].
func (n Names) Evolve(e events.Auth) Names {
	if e, ok := e.(events.UserNameChanged); ok {
		return append(n[:len(n):len(n)], e.New)
	}
	return n
}

// Give adds a name, unless it is already the last one.
type Give string

// ErrForbidden is what Give("forbidden") is refused with.
var ErrForbidden = &es.Error{Kind: es.Rejected, Code: "forbidden-name", Message: "Not this one."}

// Decide implements [es.Command].
func (g Give) Decide(n Names, _ time.Time) ([]events.Auth, error) {
	switch {
	case g == "forbidden":
		return nil, ErrForbidden
	case len(n) > 0 && n[len(n)-1] == string(g):
		return nil, nil
	}
	return []events.Auth{events.UserNameChanged{New: string(g)}}, nil
}

// Claimed is the state of a stream that is named after a name: who has it.
type Claimed string

// Evolve implements [es.State].
func (c Claimed) Evolve(e events.Email) Claimed {
	if e, ok := e.(events.EmailClaimed); ok {
		return Claimed(e.UserID)
	}
	return c
}

// Claim takes a name that nobody has.
type Claim string

// ErrTaken is what a Claim is refused with if somebody has the name.
var ErrTaken = &es.Error{Kind: es.Conflict, Code: "taken", Message: "Somebody has it."}

// Decide implements [es.Command].
func (c Claim) Decide(holder Claimed, _ time.Time) ([]events.Email, error) {
	if holder != "" {
		return nil, ErrTaken
	}
	return []events.Email{events.EmailClaimed{UserID: string(c)}}, nil
}

// The aggregates. Unique gives a name to one stream only, by a claim in the same
// transaction; Plain does not mind.
var (
	Claims = es.Aggregate[Claimed, events.Email]{Category: "email", Reducer: 1}
	Plain  = es.Aggregate[Names, events.Auth]{Category: "user", Reducer: 1}
	Unique = es.Aggregate[Names, events.Auth]{Category: "user", Reducer: 1, Coupled: func(s es.Stream, decided []events.Auth) []es.Step {
		return []es.Step{Claims.New(decided[0].(events.UserNameChanged).New, Claim(s.ID()))}
	}}
)
