package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Refunded tells people that a payment of theirs was refunded.
var Refunded = projection.Reactor[struct{}]{
	Name:     "payment-refunded",
	Category: "payment",
	Triggers: on(events.PaymentRefunded{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Event.(events.PaymentRefunded).PayerID, PaymentRefunded, e)}
	},
}
