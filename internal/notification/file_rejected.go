package notification

import (
	"context"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// expired is the reason for which a file is rejected whose upload never came. That is nothing
// to be told.
const expired = "expired"

// rejection tells people that a file of theirs was not kept. The event does not say whose it
// is, so the file's own events are asked.
func (m *Module) rejection() *projection.Reactor[struct{}] {
	return &projection.Reactor[struct{}]{
		Name:     "file-rejection",
		Category: "file",
		Triggers: on(events.FileRejected{}),
		React: func(e es.Recorded) []projection.Reaction {
			if e.Event.(events.FileRejected).Reason == expired {
				return nil
			}
			return []projection.Reaction{{Effect: tellingOwner{m, e}}}
		},
	}
}

// tellingOwner tells the owner of a file of one of its events.
type tellingOwner struct {
	m     *Module
	event es.Recorded
}

// Perform implements [projection.Effect].
func (t tellingOwner) Perform(ctx context.Context, _ string) ([]projection.Reaction, error) {
	owner, _, _, err := es.FoldAt(ctx, t.m.Store, t.event.Stream, es.Moment{Version: t.event.Version}, func(owner string, r es.Recorded) string {
		if e, ok := r.Event.(events.FileUploadRequested); ok {
			owner = e.OwnerID
		}
		return owner
	})
	if err != nil || owner == "" {
		return nil, err
	}
	return []projection.Reaction{tell(owner, FileRejected, t.event)}, nil
}
