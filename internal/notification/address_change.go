package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// AddressChange has a new address verified, and the old one told of the change.
var AddressChange = projection.Reactor[struct{}]{
	Name:     "address-change",
	Category: "user",
	Triggers: on(events.UserEmailChanged{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{
			tell(e.Stream.ID(), VerifyAddress, e),
			tell(e.Stream.ID(), EmailChanged, e),
		}
	},
}
