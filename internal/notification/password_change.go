package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// PasswordChange tells people that their password is another one.
var PasswordChange = projection.Reactor[struct{}]{
	Name:     "password-change",
	Category: "user",
	Triggers: on(events.UserPasswordChanged{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Stream.ID(), PasswordChanged, e)}
	},
}
