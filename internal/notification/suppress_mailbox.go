package notification

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Feedback is what became of a mail after the provider had taken it.
type Feedback struct {
	ID             string // the same whenever the same feedback comes
	Reason         string // "bounce", "complaint"
	Permanent      bool   // it will be the same for any other mail
	Addresses      []string
	NotificationID string
}

// SuppressMailbox stops mail to an address if what became of a mail is a reason to.
type SuppressMailbox struct {
	Reason         string
	Permanent      bool
	NotificationID string
}

// Decide implements [es.Command].
func (c SuppressMailbox) Decide(m Mailbox, _ time.Time) ([]events.Mailbox, error) {
	if !c.Permanent || m.Suppressed != "" {
		return nil, nil
	}
	return []events.Mailbox{events.MailboxSuppressed{Reason: c.Reason, NotificationID: c.NotificationID}}, nil
}

// Take takes feedback into account. It may come more than once.
func (m *Module) Take(ctx context.Context, f Feedback) error {
	for _, address := range f.Addresses {
		mailbox, err := m.Secrets.Mailbox(ctx, address)
		if err != nil {
			return err
		}
		_, err = m.Execute(ctx, es.Meta{
			CommandID: es.DeriveID("feedback", f.ID, mailbox), CorrelationID: es.DeriveID("feedback", f.ID),
			CausationID: f.NotificationID, Actor: "system:feedback",
		}, nil, mailboxes.New(mailbox, SuppressMailbox{f.Reason, f.Permanent, f.NotificationID}))
		if err != nil {
			return err
		}
	}
	return nil
}
