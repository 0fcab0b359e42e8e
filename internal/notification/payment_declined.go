package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Declined tells people that a payment of theirs was declined.
var Declined = projection.Reactor[struct{}]{
	Name:     "payment-declined",
	Category: "payment",
	Triggers: on(events.PaymentDeclined{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Event.(events.PaymentDeclined).PayerID, PaymentDeclined, e)}
	},
}
