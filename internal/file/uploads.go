package file

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// settleAfter is how long after the last moment for an upload to begin a file is settled,
// whatever has come of it. An upload that has begun may take that long: 1 GiB over 2.5 Mbit/s.
const settleAfter = time.Hour

// since is when the module's reactors came to be.
var since = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// uploads has files settled that S3 has told nothing of: those that were never uploaded, and
// those whose notification was lost.
func (m *Module) uploads() *projection.Reactor[File] {
	return &projection.Reactor[File]{
		Name:     "uploads",
		Category: "file",
		Triggers: []projection.Trigger{{Event: events.FileUploadRequested{}, Since: since}},
		React: func(e es.Recorded) []projection.Reaction {
			return []projection.Reaction{{Deadline: &projection.Deadline{
				Name: "settle", At: e.Event.(events.FileUploadRequested).ExpiresAt.Add(settleAfter),
			}}}
		},
		Apply: applyToFile,
		Due: func(d projection.Deadline, f File) []projection.Reaction {
			return []projection.Reaction{{Effect: settleUpload{m, d.Stream.ID(), f}}}
		},
	}
}

// applyToFile folds a file for reactors.
func applyToFile(f File, e es.Recorded) File {
	if e, ok := e.Event.(events.File); ok {
		return f.Evolve(e)
	}
	return f
}

// settleUpload looks at the bucket itself.
type settleUpload struct {
	module *Module
	id     string
	file   File
}

// Perform implements [projection.Effect].
func (e settleUpload) Perform(ctx context.Context, _ string) ([]projection.Reaction, error) {
	sweep := projection.Reaction{Effect: sweepBytes{e.module, e.id}}
	if e.file.Status != Pending {
		return []projection.Reaction{sweep}, nil
	}
	objects, key := e.module.Objects, e.file.key(e.id)
	versions, err := objects.Versions(ctx, key)
	if err != nil {
		return nil, err
	}
	for _, version := range versions {
		stored, ok, err := objects.Head(ctx, key, version)
		if err != nil {
			return nil, err
		}
		if ok {
			return []projection.Reaction{{Command: files.On(e.id, RecordUpload{version, stored})}, sweep}, nil
		}
	}
	return []projection.Reaction{{Command: files.On(e.id, ExpireUpload{})}}, nil
}

// sweepBytes is [Module.sweep] as an effect.
type sweepBytes struct {
	module *Module
	id     string
}

// Perform implements [projection.Effect].
func (e sweepBytes) Perform(ctx context.Context, _ string) ([]projection.Reaction, error) {
	return nil, e.module.sweep(ctx, e.id)
}
