package notification

import (
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Notification is one message to a person: what a "notification#<id>" stream adds up to.
type Notification struct {
	UserID  string
	Kind    Kind
	Stream  es.Stream  // of the event that it tells of
	Version es.Version // of that event
	Read    bool
	Mail    Mail
}

// Mail is what has become of the mail of a notification.
type Mail struct {
	Attempts int       // that were begun
	Unknown  int       // of these, whose outcome is not known
	Since    time.Time // when the last of them was begun
	Settled  bool      // there is nothing more to be done
}

// Exists reports whether the notification has been requested.
func (n Notification) Exists() bool { return n.UserID != "" }

// Evolve implements [es.State].
func (n Notification) Evolve(e events.Notification) Notification {
	switch e := e.(type) {
	case events.NotificationRequested:
		n.UserID, n.Kind, n.Stream, n.Version = e.UserID, Kind(e.Kind), es.Stream(e.Stream), es.Version(e.Version)
	case events.NotificationRead:
		n.Read = true
	case events.NotificationMailAttempted:
		n.Mail.Attempts, n.Mail.Since = e.Attempt, e.At
		n.Mail.Unknown++
	case events.NotificationMailRefused:
		n.Mail.Unknown--
	case events.NotificationMailSent, events.NotificationMailSkipped, events.NotificationMailGivenUp:
		n.Mail.Settled = true
	}
	return n
}

const (
	// maxUnknown bounds how many attempts may have an outcome that nobody knows, and with that
	// how often a person can get the same mail.
	maxUnknown = 2
	// underWay is how long an attempt may take until its outcome is recorded. It is longer than
	// an effect may take.
	underWay = 30 * time.Second
)

// waits reports whether the outcome of an attempt that is under way may still come.
func (m Mail) waits(now time.Time) bool {
	return m.Unknown > 0 && now.Before(m.Since.Add(underWay))
}

// Inbox is what a person wants of notifications and has seen of them: what an "inbox#<user id>"
// stream adds up to.
type Inbox struct {
	ReadThrough time.Time
	EmailOff    []Group // of which no mail is wanted
}

// Evolve implements [es.State].
func (i Inbox) Evolve(e events.Inbox) Inbox {
	switch e := e.(type) {
	case events.InboxRead:
		i.ReadThrough = e.Through
	case events.InboxPreferencesSet:
		i.EmailOff = nil
		for _, g := range e.EmailOff {
			i.EmailOff = append(i.EmailOff, Group(g))
		}
	}
	return i
}

// wantsMail reports whether notifications of a group are to be mailed.
func (i Inbox) wantsMail(g Group) bool { return g == Security || !slices.Contains(i.EmailOff, g) }

// Mailbox is an address: what a "mailbox#<keyed hash>" stream adds up to.
type Mailbox struct {
	Suppressed string // why no mail may be sent there; "": it may
}

// Evolve implements [es.State].
func (m Mailbox) Evolve(e events.Mailbox) Mailbox {
	if e, ok := e.(events.MailboxSuppressed); ok {
		m.Suppressed = e.Reason
	}
	return m
}
