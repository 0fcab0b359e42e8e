package file

import (
	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// removal has deleted files purged when nobody can restore them any more, and removes the
// bytes of files that have none to keep.
func (m *Module) removal() *projection.Reactor[File] {
	return &projection.Reactor[File]{
		Name:     "removal",
		Category: "file",
		Triggers: []projection.Trigger{
			{Event: events.FileDeleted{}, Since: since},
			{Event: events.FileRejected{}, Since: since},
			{Event: events.FilePurged{}, Since: since},
		},
		React: func(e es.Recorded) []projection.Reaction {
			if e, ok := e.Event.(events.FileDeleted); ok {
				return []projection.Reaction{{Deadline: &projection.Deadline{Name: "purge", At: e.PurgeAt}}}
			}
			return []projection.Reaction{{Effect: sweepBytes{m, e.Stream.ID()}}}
		},
		Apply: applyToFile,
		// Of one that was restored meanwhile the command makes nothing.
		Due: func(d projection.Deadline, _ File) []projection.Reaction {
			return []projection.Reaction{{Command: files.On(d.Stream.ID(), PurgeFile{PurgeDeleted})}}
		},
	}
}
