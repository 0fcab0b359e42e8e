package notification

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// FileSharing tells people that they may use a file of somebody else.
var FileSharing = projection.Reactor[struct{}]{
	Name:     "file-sharing",
	Category: "file",
	Triggers: on(events.FileShared{}),
	React: func(e es.Recorded) []projection.Reaction {
		return []projection.Reaction{tell(e.Event.(events.FileShared).UserID, FileShared, e)}
	},
}
