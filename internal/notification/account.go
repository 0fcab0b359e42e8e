package notification

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// account is what has to be known of a person to mail them.
type account struct {
	Email     string
	Version   es.Version // of the last event that has the address verified
	Verified  bool
	Suspended bool
	Erased    bool   // or about to be
	Reset     string // the request to set another password that can be answered; "": none
	Expires   time.Time
}

func (a account) apply(r es.Recorded) account {
	switch e := r.Event.(type) {
	case events.UserCreated:
		a.Email, a.Version = e.Email, r.Version
	case events.UserEmailChanged:
		a.Email, a.Version, a.Verified, a.Reset = e.New, r.Version, false, ""
	case events.UserVerificationRequested:
		a.Version = r.Version
	case events.UserEmailVerified:
		a.Verified = true
	case events.UserPasswordResetRequested:
		a.Reset, a.Expires = e.RequestID, e.ExpiresAt
	case events.UserPasswordChanged:
		a.Reset = ""
	case events.UserSuspended:
		a.Suspended = true
	case events.UserReactivated:
		a.Suspended = false
	case events.UserErasureRequested:
		a.Erased = true
	}
	return a
}

// accountOf gives what has to be known of the person whom a notification is for, and of the
// event that it tells of if that is on the account's stream.
func (m *Module) accountOf(ctx context.Context, n Notification) (a account, event events.Event, err error) {
	s := es.NewStream("user", n.UserID)
	a, _, ok, err := es.FoldAt(ctx, m.Store, s, es.Moment{}, func(a account, r es.Recorded) account {
		if n.Stream == s && n.Version == r.Version {
			event = r.Event
		}
		return a.apply(r)
	})
	// Whose key is destroyed is erased, whatever else is known.
	a.Erased = a.Erased || !ok || a.Email == events.Erased
	return a, event, err
}
