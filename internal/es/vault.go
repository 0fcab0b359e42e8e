package es

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/interview-sandbox/annals/events"
)

// Vault seals what tells something about a person with a key of that person's own. Whoever
// destroys the key erases the person from everything that was ever sealed: commits keep
// their shape, their place and their hashes.
type Vault interface {
	// Seal encrypts under the subject's key, which is made if there has never been one.
	// place is authenticated: what is sealed opens in that place only. [ErrErased] if the
	// key has been destroyed.
	Seal(ctx context.Context, subject string, place, plain []byte) (sealed []byte, err error)
	// Open decrypts what Seal has sealed. [ErrErased] if the key has been destroyed,
	// [ErrBroken] if it can never be opened; any other error may pass.
	Open(ctx context.Context, subject string, place, sealed []byte) (plain []byte, err error)
}

// ErrBroken: what is sealed, its place or its key is not what it was.
var ErrBroken = errors.New("what is sealed cannot be opened")

var errSealed = errors.New("it is sealed, and was read without a vault")

// subject says whose the private part of an event is.
func (d Data) subject(s Stream) string {
	if d.Subject != "" {
		return d.Subject
	}
	return s.ID()
}

// place is what binds a sealed part to its event.
func (c Commit) place(i int) []byte {
	return []byte(string(c.Stream) + " " + strconv.FormatUint(uint64(c.Version)+uint64(i), 10) + " " + c.Events[i].Type)
}

// seal takes the private parts out of the events and seals them.
func (p Pending) seal(ctx context.Context, v Vault) (Pending, error) {
	if v == nil {
		return p, nil
	}
	c := &p.commit
	c.Events = slices.Clone(c.Events)
	for i := range c.Events {
		d := &c.Events[i]
		divided, err := events.Divide(p.events[i])
		if err != nil {
			return p, err
		}
		if divided.Private == nil {
			continue
		}
		d.JSON, d.Subject = divided.Open, divided.Subject
		if d.Sealed, err = v.Seal(ctx, d.subject(c.Stream), c.place(i), divided.Private); err != nil {
			return p, fmt.Errorf("seal a %s: %w", d.Type, err)
		}
	}
	c.Hash = c.ComputeHash()
	return p, nil
}

// Open opens the sealed events of commits, in place. Those of a person who has been erased
// get [events.Erased] in their stead.
func Open(ctx context.Context, v Vault, commits []Commit) error {
	for n := range commits {
		if err := commits[n].open(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// closed reports whether the event has to be opened before it can be read.
func (d Data) closed() bool { return d.Sealed != nil && d.opened == nil }

func (c *Commit) open(ctx context.Context, v Vault) error {
	if v == nil || !slices.ContainsFunc(c.Events, Data.closed) {
		return nil
	}
	c.Events = slices.Clone(c.Events) // others may hold the commit as well
	for i := range c.Events {
		d := &c.Events[i]
		if !d.closed() {
			continue
		}
		private, err := v.Open(ctx, d.subject(c.Stream), c.place(i), d.Sealed)
		if errors.Is(err, ErrErased) {
			private, err = events.ErasedPart(d.Type)
		}
		if err == nil {
			d.opened, err = events.Join(d.JSON, private)
		} else if !errors.Is(err, ErrBroken) {
			return fmt.Errorf("open a %s: %w", d.Type, err)
		}
		if err != nil {
			return &UnreadableError{c.Stream, c.Version + Version(i), err}
		}
	}
	return nil
}

// Opened is a store whose commits come opened.
type Opened struct {
	ScannableStore
	Vault Vault
}

// Read implements [Store].
func (o Opened) Read(ctx context.Context, s Stream, r Range) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		for c, err := range o.ScannableStore.Read(ctx, s, r) {
			if err == nil {
				err = c.open(ctx, o.Vault)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// place is what binds a sealed state to its snapshot.
func (s Snapshot) place() []byte {
	return []byte("snapshot " + string(s.Stream) + " " + strconv.FormatUint(uint64(s.Version), 10) + " " + strconv.Itoa(s.Reducer))
}

func (s Snapshot) seal(ctx context.Context, v Vault, subject string) (_ Snapshot, err error) {
	if v == nil || subject == "" {
		return s, nil
	}
	s.Subject = subject
	s.State, err = v.Seal(ctx, subject, s.place(), s.State)
	return s, err
}

// open gives the state's JSON; nil if it can be opened no more.
func (s Snapshot) open(ctx context.Context, v Vault) ([]byte, error) {
	if s.Subject == "" {
		return s.State, nil
	}
	if v == nil {
		return nil, nil
	}
	state, err := v.Open(ctx, s.Subject, s.place(), s.State)
	if errors.Is(err, ErrErased) || errors.Is(err, ErrBroken) {
		return nil, nil
	}
	return state, err
}
