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
	Triggers: []projection.Trigger{
		{Event: events.UserCreated{}, Since: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)},
	},
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{
			request(e.Stream.ID(), VerifyAddress),
			{Deadline: &projection.Deadline{Name: "remind", At: e.At.Add(remindAfter)}},
		}
	},
	Apply: Address.apply,
	Due: func(d projection.Deadline, a Address) []projection.Reaction {
		if a.Verified {
			return nil
		}
		return []projection.Reaction{request(d.Stream.ID(), VerifyAddressReminder)}
	},
}

// Address is what this module has to know of an account's address.
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
