package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Captured tells people that a payment of theirs was captured.
var Captured = projection.Reactor[struct{}]{
	Name:     "payment-captured",
	Category: "payment",
	Triggers: on(events.PaymentCaptured{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Event.(events.PaymentCaptured).PayerID, PaymentCaptured, e)}
	},
}
