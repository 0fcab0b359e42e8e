package es

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Meta says who asked for a commit and why. It is stored with the commit.
type Meta struct {
	CommandID     string // the same for every repeat of one command
	Fingerprint   []byte // keyed hash of the request, to tell a repeat from a reuse of its id; nil: not checked
	CorrelationID string // ties together everything one request led to
	CausationID   string // the command or commit that led to this one
	Actor         string // who asked: a user id, "anonymous", "system:<name>", or "reactor:<name>"
	Trace         string // W3C traceparent of the command's span; "": none
}

// Data is one event in its stored form.
type Data struct {
	Type    string
	JSON    []byte // without what is sealed
	Sealed  []byte // the private part of the payload, see [Vault]; nil: there is none
	Subject string // whose private part it is; "": of the person whose id the stream has

	opened []byte // the whole payload; nil: not opened
}

// decode reads the event. One that is sealed has to have been opened.
func (d Data) decode() (events.Event, error) {
	switch {
	case d.closed():
		return nil, errSealed
	case d.opened != nil:
		return events.Decode(d.Type, d.opened)
	}
	return events.Decode(d.Type, d.JSON)
}

// Hash is a SHA-256 digest.
type Hash [sha256.Size]byte

// Commit is what one command did to one stream: one or more events, stored as one item, so
// that they are there together or not at all and can never arrive out of order.
type Commit struct {
	Stream  Stream
	Version Version // of the first event
	Events  []Data
	Meta
	At       time.Time // UTC, whole milliseconds; never before the stream's previous commit
	PrevHash Hash      // the previous commit's Hash; zero for the first
	Hash     Hash      // over PrevHash and everything else in the commit
	// Uncovered names something that is stored with the commit and not under its hash, as no
	// commit is written; "": nothing.
	Uncovered string
}

// Last is the version of the commit's last event.
func (c Commit) Last() Version { return c.Version + Version(len(c.Events)) - 1 }

// Recorded is one stored event with the circumstances of its commit.
type Recorded struct {
	Event   events.Event
	Stream  Stream
	Version Version
	At      time.Time
	Meta    Meta
}

// Recorded decodes the commit's events. An event that cannot be read is an error that names
// its stream and version; none is ever skipped.
func (c Commit) Recorded() ([]Recorded, error) {
	all := make([]Recorded, len(c.Events))
	for i, d := range c.Events {
		version := c.Version + Version(i)
		e, err := d.decode()
		if err != nil {
			return nil, &UnreadableError{c.Stream, version, err}
		}
		all[i] = Recorded{Event: e, Stream: c.Stream, Version: version, At: c.At, Meta: c.Meta}
	}
	return all, nil
}

// UnreadableError reports an event that this build cannot read: its name is not known, or its
// payload is damaged.
type UnreadableError struct {
	Stream  Stream
	Version Version
	Err     error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s version %d: %v", e.Stream, e.Version, e.Err)
}

// Unwrap gives the error of [events.Decode].
func (e *UnreadableError) Unwrap() error { return e.Err }

// ComputeHash is the digest that Hash has to be. Every value goes in with its length, so no
// two different commits give the same input.
func (c Commit) ComputeHash() Hash {
	d := digest{sha256.New()}
	sealed := slices.ContainsFunc(c.Events, func(d Data) bool { return d.Sealed != nil })
	if sealed {
		d.text("annals commit 2")
	} else {
		d.text("annals commit 1")
	}
	d.Write(c.PrevHash[:])
	d.text(string(c.Stream))
	d.number(uint64(c.Version))
	d.number(uint64(len(c.Events)))
	for _, e := range c.Events {
		d.text(e.Type)
		d.text(string(e.JSON))
		if sealed {
			d.text(string(e.Sealed))
			d.text(e.Subject)
		}
	}
	for _, s := range []string{c.CommandID, string(c.Fingerprint), c.CorrelationID, c.CausationID, c.Actor, c.Trace} {
		d.text(s)
	}
	d.number(uint64(c.At.UnixMilli()))
	return Hash(d.Sum(nil))
}

type digest struct{ hash.Hash }

func (d digest) number(n uint64) { d.Write(binary.BigEndian.AppendUint64(nil, n)) }

func (d digest) text(s string) { d.number(uint64(len(s))); d.Write([]byte(s)) }

// Tip is where a stream ends as far as somebody has loaded it. Commits can only be made
// from a tip, so a version that nobody loaded can't be appended to, and gaps cannot happen.
type Tip struct {
	stream  Stream
	version Version
	hash    Hash
	at      time.Time
}

// StartOf is the tip of a stream that has no commits. It is safe to assume: if the stream
// has commits after all, appending fails with a conflict.
func StartOf(s Stream) Tip { return Tip{stream: s} }

// Version is the version of the last event.
func (t Tip) Version() Version { return t.version }

// Stream is the stream this is the tip of.
func (t Tip) Stream() Stream { return t.stream }

// DamagedError reports a stream whose commits do not fit together.
type DamagedError struct {
	Stream  Stream
	Version Version
	Reason  string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged at version %d: %s", e.Stream, e.Version, e.Reason)
}

// Follow moves the tip past the stream's next commit. The error is a *DamagedError if the
// commit is not the next one or does not carry its predecessor's hash.
func (t Tip) Follow(c Commit) (Tip, error) {
	switch {
	case c.Stream != t.stream:
		return t, &DamagedError{t.stream, c.Version, fmt.Sprintf("a commit of %s is in its place", c.Stream)}
	case c.Version > t.version+1:
		return t, &DamagedError{t.stream, t.version + 1, fmt.Sprintf("the next commit has version %d", c.Version)}
	case c.Version <= t.version:
		return t, &DamagedError{t.stream, c.Version, "there is another commit of this version"}
	case len(c.Events) == 0:
		return t, &DamagedError{t.stream, c.Version, "the commit has no events"}
	case c.PrevHash != t.hash:
		return t, &DamagedError{t.stream, c.Version, "it does not carry the previous commit's hash"}
	}
	return Tip{t.stream, c.Last(), c.Hash, c.At}, nil
}

// Pending is a commit that is not stored yet. [Tip.Next] alone makes one.
type Pending struct {
	commit Commit
	events []events.Event
}

// Commit is the commit as it will be stored.
func (p Pending) Commit() Commit { return p.commit }

// Next makes the commit that continues the stream with at least one event.
func (t Tip) Next(meta Meta, now time.Time, first events.Event, more ...events.Event) (Pending, error) {
	c := Commit{
		Stream:   t.stream,
		Version:  t.version + 1,
		Meta:     meta,
		At:       t.Clamp(now),
		PrevHash: t.hash,
	}
	all := append([]events.Event{first}, more...)
	for _, e := range all {
		eventType, data, err := events.Encode(e)
		if err != nil {
			return Pending{}, err
		}
		c.Events = append(c.Events, Data{Type: eventType, JSON: data})
	}
	c.Hash = c.ComputeHash()
	return Pending{c, all}, nil
}

// Clamp is the time a commit made now carries: whole milliseconds of UTC, and never before
// the previous commit, whatever the clocks of two machines say.
func (t Tip) Clamp(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if now.Before(t.at) {
		return t.at
	}
	return now
}
