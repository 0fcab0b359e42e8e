package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// VerificationAgain sends another token to somebody who has asked for one.
var VerificationAgain = projection.Reactor[struct{}]{
	Name:     "verification-again",
	Category: "user",
	Triggers: on(events.UserVerificationRequested{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Stream.ID(), VerifyAddress, e)}
	},
}
