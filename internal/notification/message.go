package notification

import (
	"context"
	"embed"
	"fmt"
	"html"
	"strings"
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
	mail.Text, mail.HTML, err = l.write()
	return mail, "", err
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

// letter is what the layouts make a mail of.
type letter struct {
	told
	Origin string // of links
	Path   string // that takes the token; "": there is none
	Token  string
}

// Address is what the link opens. The token is in the part that browsers keep to themselves,
// so that no server logs it.
func (l letter) Address() string { return l.Origin + l.Path + "#token=" + l.Token }

// The layouts of mails. The templates of the standard library call methods by name, for which
// the linker keeps every method of every client of AWS, 3 MB of them.
//
//go:embed templates
var templates embed.FS

// write gives the mail as text and as HTML.
func (l letter) write() (text, page string, err error) {
	text, err = l.fill("txt", func(s string) string { return s })
	if err == nil {
		page, err = l.fill("html", html.EscapeString)
	}
	return text, page, err
}

// fill puts the letter into the layout with this extension.
func (l letter) fill(extension string, escape func(string) string) (string, error) {
	layout, err := templates.ReadFile("templates/mail." + extension)
	if err != nil {
		return "", fmt.Errorf("lay out a mail: %w", err)
	}
	link := []byte(nil)
	if l.Token != "" {
		if link, err = templates.ReadFile("templates/link." + extension); err != nil {
			return "", fmt.Errorf("lay out a mail's link: %w", err)
		}
	}
	return strings.NewReplacer(
		"{{title}}", escape(l.Title), "{{text}}", escape(l.Text), "{{open}}", escape(l.Link), "{{address}}", escape(l.Address()),
		"{{path}}", escape(l.Path), "{{token}}", escape(l.Token), "{{origin}}", escape(l.Origin),
	).Replace(strings.Replace(string(layout), "{{link}}", string(link), 1)), nil
}
