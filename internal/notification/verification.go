package notification

import (
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// remindAfter is how long an address may be unverified before its owner is reminded.
const remindAfter = 3 * 24 * time.Hour

// Verification has the owner of a new account asked to verify the address, and reminded once
// if that has not happened in time.
var Verification = projection.Reactor[Address]{
	Name:     "verification",
	Category: "user",
	Triggers: on(events.UserCreated{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{
			tellOnce(VerifyAddress, e.Stream, e.Version),
			{Deadline: &projection.Deadline{Name: "remind", At: e.At.Add(remindAfter)}},
		}
	},
	Apply: Address.apply,
	Due: func(d projection.Deadline, a Address) []projection.Reaction {
		if a.Verified {
			return nil
		}
		return []projection.Reaction{tellOnce(VerifyAddressReminder, d.Stream, d.Version)}
	},
}

// tellOnce asks for a notification that a person gets once, whatever happens to the account.
func tellOnce(k Kind, s es.Stream, v es.Version) projection.Reaction {
	return projection.Reaction{Command: notifications.New(es.DeriveID(string(k), s.ID()), Request{s.ID(), k, s, v})}
}

// Address is what this reactor has to know of an account's address.
type Address struct{ Verified bool }

func (a Address) apply(e es.Recorded) Address {
	switch e.Event.(type) {
	case events.UserEmailVerified:
		a.Verified = true
	case events.UserEmailChanged:
		a.Verified = false
	}
	return a
}
