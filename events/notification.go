package events

import "time"

// Notification is an event on a stream "notification#<id>": one message to a person, and what
// came of mailing it.
type Notification interface {
	Event
	notification()
}

// Inbox is an event on a stream "inbox#<user id>": what a person wants of notifications, and how
// far they have been read.
type Inbox interface {
	Event
	inbox()
}

// Mailbox is an event on a stream "mailbox#<keyed hash of the address>": whether mail may be
// sent to an address.
type Mailbox interface {
	Event
	mailbox()
}

var notificationEvents = []definition{
	old[notificationRequestedV1]("notification.requested.v1"),
	current[NotificationRequested](),
	current[NotificationRead](),
	current[NotificationMailAttempted](),
	current[NotificationMailSent](),
	current[NotificationMailRefused](),
	current[NotificationMailSkipped](),
	current[NotificationMailGivenUp](),
	current[InboxRead](),
	current[InboxPreferencesSet](),
	current[MailboxSuppressed](),
}

// NotificationRequested asks for a person to be told of something that has happened. What is
// said, and to which address it is mailed, is found in that event when it is needed, so that
// nothing of it is stored twice.
type NotificationRequested struct {
	UserID  string `json:"userId"`
	Kind    string `json:"kind"`    // "verify-address", "email-changed", "payment-captured", …
	Stream  string `json:"stream"`  // of the event that it tells of
	Version uint64 `json:"version"` // of that event
}

// NotificationRead records that the person has seen the notification.
type NotificationRead struct {
	UserID string `json:"userId"`
}

// NotificationMailAttempted comes before a mail is sent. If nothing follows, nobody knows
// whether it was.
type NotificationMailAttempted struct {
	Attempt int       `json:"attempt"` // from 1
	At      time.Time `json:"at"`      // from which on its outcome is waited for
}

// NotificationMailSent records that the provider has taken the mail.
type NotificationMailSent struct {
	MessageID string `json:"messageId"` // the provider's
}

// NotificationMailRefused records that the provider did not take the mail of an attempt.
type NotificationMailRefused struct {
	Attempt int    `json:"attempt"`
	Reason  string `json:"reason"` // the provider's code
}

// NotificationMailSkipped records that there is no mail to be sent.
type NotificationMailSkipped struct {
	Reason string `json:"reason"` // "erased", "suspended", "preferences", "suppressed", "obsolete"
}

// NotificationMailGivenUp records that the mail may have been sent, and is not tried any more.
type NotificationMailGivenUp struct {
	Attempts int `json:"attempts"` // whose outcome is not known
}

// InboxRead records that a person has seen all notifications up to a moment.
type InboxRead struct {
	Through time.Time `json:"through"`
}

// InboxPreferencesSet says of which groups of notifications a person wants no mail.
type InboxPreferencesSet struct {
	EmailOff []string `json:"emailOff"` // "files", "payments"
}

// MailboxSuppressed stops mail to an address.
type MailboxSuppressed struct {
	Reason         string `json:"reason"`         // "bounce", "complaint"
	NotificationID string `json:"notificationId"` // whose mail led to it
}

// notificationRequestedV1 was about the account alone.
type notificationRequestedV1 struct {
	UserID string `json:"userId"`
	Kind   string `json:"kind"`
}

func (v notificationRequestedV1) upcast() Event {
	return NotificationRequested{UserID: v.UserID, Kind: v.Kind, Stream: "user#" + v.UserID, Version: 1}
}

// EventType implements [Event].
func (NotificationRequested) EventType() string { return "notification.requested.v2" }

// EventType implements [Event].
func (NotificationRead) EventType() string { return "notification.read.v1" }

// EventType implements [Event].
func (NotificationMailAttempted) EventType() string { return "notification.mail-attempted.v1" }

// EventType implements [Event].
func (NotificationMailSent) EventType() string { return "notification.mail-sent.v1" }

// EventType implements [Event].
func (NotificationMailRefused) EventType() string { return "notification.mail-refused.v1" }

// EventType implements [Event].
func (NotificationMailSkipped) EventType() string { return "notification.mail-skipped.v1" }

// EventType implements [Event].
func (NotificationMailGivenUp) EventType() string { return "notification.mail-given-up.v1" }

// EventType implements [Event].
func (InboxRead) EventType() string { return "inbox.read.v1" }

// EventType implements [Event].
func (InboxPreferencesSet) EventType() string { return "inbox.preferences-set.v1" }

// EventType implements [Event].
func (MailboxSuppressed) EventType() string { return "mailbox.suppressed.v1" }

func (NotificationRequested) notification()     {}
func (NotificationRead) notification()          {}
func (NotificationMailAttempted) notification() {}
func (NotificationMailSent) notification()      {}
func (NotificationMailRefused) notification()   {}
func (NotificationMailSkipped) notification()   {}
func (NotificationMailGivenUp) notification()   {}
func (InboxRead) inbox()                        {}
func (InboxPreferencesSet) inbox()              {}
func (MailboxSuppressed) mailbox()              {}
