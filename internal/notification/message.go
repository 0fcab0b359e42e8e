package notification

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Message is one mail.
type Message struct {
	From, To, Subject string
	Text, HTML        string
	NotificationID    string // which comes back with what becomes of the mail
}

// Mailer sends mail.
type Mailer interface {
	// Send hands a mail over and gives the id under which the provider knows it. key is the
	// same whenever the same mail is sent. The error is a *NotTakenError if the provider
	// certainly has not taken the mail; after any other one, nobody knows.
	Send(ctx context.Context, key string, m Message) (id string, err error)
}

// NotTakenError reports a mail that a provider has not taken.
type NotTakenError struct{ Reason string } // the provider's code, which names nobody

func (e *NotTakenError) Error() string { return "the mail was not taken: " + e.Reason }

// The reasons for which there is no mail.
const (
	skipErased      = "erased"
	skipSuspended   = "suspended"
	skipPreferences = "preferences"
	skipObsolete    = "obsolete"
	skipSuppressed  = "suppressed"
)

// verificationLife is how long an address can be verified with a mailed token.
const verificationLife = 7 * 24 * time.Hour

// compose writes the mail of a notification, or says why there is none.
func (m *Module) compose(ctx context.Context, id string, n Notification) (mail Message, skip string, err error) {
	a, event, err := m.accountOf(ctx, n)
	if err != nil {
		return mail, "", err
	}
	inbox, err := inboxes.Load(ctx, &m.Repository, n.UserID)
	if err != nil {
		return mail, "", err
	}
	says := n.Kind.about()
	switch {
	case a.Erased:
		return mail, skipErased, nil
	case a.Suspended && says.Group != Security:
		return mail, skipSuspended, nil
	case !inbox.State.wantsMail(says.Group):
		return mail, skipPreferences, nil
	case n.obsolete(a, m.Now()):
		return mail, skipObsolete, nil
	}
	mail = Message{From: m.From, To: a.Email, Subject: says.Title, NotificationID: id}
	l := letter{told: says, Origin: m.PublicURL}
	switch n.Kind {
	case VerifyAddress, VerifyAddressReminder:
		l.Path = "/auth/email/verify"
		l.Token, err = m.Secrets.VerificationToken(ctx, n.UserID, a.Email, m.Now().Add(verificationLife))
	case ResetPassword:
		l.Path = "/auth/password/reset"
		l.Token, err = m.Secrets.ResetToken(ctx, n.UserID, a.Reset, a.Expires)
	case EmailChanged:
		if e, ok := event.(events.UserEmailChanged); ok {
			mail.To = e.Old
		}
	}
	if err != nil {
		return mail, "", err
	}
	mailbox, err := m.mailbox(ctx, mail.To)
	if err != nil || mailbox.Suppressed != "" {
		return mail, skipSuppressed, err
	}
	mail.Text, mail.HTML = l.write()
	return mail, "", nil
}

// obsolete reports whether there is nothing left to be done about what the notification asks
// for.
func (n Notification) obsolete(a account, now time.Time) bool {
	switch n.Kind {
	case VerifyAddress:
		return a.Verified || a.Version != n.Version // another address is asked about by itself
	case VerifyAddressReminder:
		return a.Verified
	case ResetPassword:
		return a.Reset == "" || !now.Before(a.Expires)
	}
	return false
}

// mailbox gives what is known of an address.
func (m *Module) mailbox(ctx context.Context, address string) (Mailbox, error) {
	id, err := m.Secrets.Mailbox(ctx, address)
	if err != nil {
		return Mailbox{}, err
	}
	loaded, err := mailboxes.Load(ctx, &m.Repository, id)
	return loaded.State, err
}
