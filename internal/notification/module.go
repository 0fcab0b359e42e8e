// Package notification is the module of messages to people: what they are told, in their inbox
// and by mail, and what came of it. state.go has its aggregates, every other file one command,
// one read model with its route, or one reactor.
package notification

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Module answers the requests of the notification routes and has mail sent.
type Module struct {
	es.Executor
	Views   *projection.Reader
	Mailer  Mailer
	Secrets Secrets
	From    string // the sender of mail, an address with or without a name
	// PublicURL is where people open links, without a slash at its end: the API, or a site in
	// front of it that has pages under the same paths.
	PublicURL string
}

// Secrets makes what nobody can guess. Its errors may pass.
type Secrets interface {
	// VerificationToken shows that a person receives mail at an address.
	VerificationToken(ctx context.Context, userID, email string, expires time.Time) (string, error)
	// ResetToken lets a person answer a request to set another password.
	ResetToken(ctx context.Context, userID, requestID string, expires time.Time) (string, error)
	// Mailbox is the id under which it is known whether an address may be sent mail. Nobody
	// can tell from it which address it is.
	Mailbox(ctx context.Context, address string) (string, error)
}

// Routes lists the module's routes.
func (m *Module) Routes() []api.Route {
	return []api.Route{
		api.Query("GET /notifications", api.SignedIn, m.list).
			Does("Lists one's own notifications, newest first, and counts those that are unread, up to 100.").
			Takes(api.Paged, api.InQuery("unread", "Those that are unread only.", "enum=true|false")),
		api.Command("POST /notifications/{id}/read", api.SignedIn, m.read).
			Does("Marks a notification as read."),
		api.Command("POST /notifications/read-all", api.SignedIn, m.readAll).
			Does("Marks all notifications as read."),
		api.Query("GET /notifications/preferences", api.SignedIn, m.getPreferences).
			Does("Shows which notifications are mailed.").Takes(api.Versioned),
		api.Command("PUT /notifications/preferences", api.SignedIn, m.setPreferences).
			Does("Sets which notifications are mailed; what is left out is. Mail about security cannot be switched off.").
			Refuses(api.ErrInvalid),
	}
}

// Projections lists what the projector keeps for the module: read models and snapshots.
func (m *Module) Projections() []projection.Projection {
	return []projection.Projection{
		&Notifications,
		projection.Snapshots(inboxes.Snapshotter(&m.Repository)),
	}
}

// Reactors lists the module's reactors.
func (m *Module) Reactors() []projection.Projection {
	return []projection.Projection{
		&Verification,
		&AddressChange,
		&PasswordChange,
		&PasswordReset,
		&VerificationAgain,
		&FileSharing,
		m.rejection(),
		&Captured,
		&Declined,
		&Refunded,
		m.delivery(),
	}
}

// Aggregates lists what the module's streams add up to.
func (m *Module) Aggregates() []es.Folder { return []es.Folder{&notifications, &inboxes, &mailboxes} }

var (
	notifications = es.Aggregate[Notification, events.Notification]{Category: "notification", Reducer: 1}
	inboxes       = es.Aggregate[Inbox, events.Inbox]{Category: "inbox", Reducer: 1}
	mailboxes     = es.Aggregate[Mailbox, events.Mailbox]{Category: "mailbox", Reducer: 1}
)
