package estest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Now is the time at which commands are decided in specifications.
var Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Spec tells a command's behaviour: given events, when a command, then events or an error.
type Spec[S es.State[S, E], E events.Event] struct {
	t     testing.TB
	state S
	now   time.Time
	got   []E
	err   error
}

// Given starts from what has happened.
func Given[S es.State[S, E], E events.Event](t testing.TB, history ...E) *Spec[S, E] {
	t.Helper()
	s := &Spec[S, E]{t: t, now: Now}
	for _, e := range history {
		s.state = s.state.Evolve(e)
	}
	return s
}

// When decides a command.
func (s *Spec[S, E]) When(c es.Command[S, E]) *Spec[S, E] {
	s.got, s.err = c.Decide(s.state, s.now)
	return s
}

// Then demands exactly these events.
func (s *Spec[S, E]) Then(want ...E) {
	s.t.Helper()
	if s.err != nil {
		s.t.Fatalf("refused: %v", s.err)
	}
	if len(s.got) != len(want) || len(want) > 0 && !reflect.DeepEqual(s.got, want) {
		s.t.Fatalf("got  %+v\nwant %+v", s.got, want)
	}
}

// ThenRefused demands this error and no events.
func (s *Spec[S, E]) ThenRefused(want error) {
	s.t.Helper()
	if !errors.Is(s.err, want) {
		s.t.Fatalf("got error %v, want %v", s.err, want)
	}
	if len(s.got) > 0 {
		s.t.Fatalf("refused, and decided %+v all the same", s.got)
	}
}
