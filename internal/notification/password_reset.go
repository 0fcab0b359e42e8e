package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// PasswordReset sends what another password can be set with to whoever has asked for that.
var PasswordReset = projection.Reactor[struct{}]{
	Name:     "password-reset",
	Category: "user",
	Triggers: on(events.UserPasswordResetRequested{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Stream.ID(), ResetPassword, e)}
	},
}
