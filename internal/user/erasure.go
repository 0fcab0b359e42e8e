package user

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

const (
	// purgeAfter is how long after a key was destroyed every process has forgotten it, and has
	// written what it had opened: a minute that a key is kept for, and one that a function runs.
	purgeAfter = 2 * time.Minute
	// purgeAgain is when those who hold something are asked again: their lists have to follow
	// what was removed.
	purgeAgain = time.Minute
)

// erasure is the process that erases a person: once the auth module has released the address,
// the key is destroyed, then all that modules hold in clear is purged, until nothing is left.
func (m *Module) erasure() *projection.Reactor[Profile] {
	since := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	return &projection.Reactor[Profile]{
		Name:     "erasure",
		Category: "user",
		Triggers: []projection.Trigger{
			{Event: events.UserAddressReleased{}, Since: since},
			{Event: events.UserKeyDestroyed{}, Since: since},
		},
		React: func(e es.Recorded) []projection.Reaction {
			switch e.Event.(type) {
			case events.UserAddressReleased:
				return []projection.Reaction{{Effect: destroyKey{m, e.Stream.ID()}}}
			case events.UserKeyDestroyed:
				return []projection.Reaction{purgeAt(e.At.Add(purgeAfter))}
			}
			return nil
		},
		Apply: func(p Profile, e es.Recorded) Profile { return p.Evolve(e.Event.(events.Auth)) },
		Due: func(d projection.Deadline, p Profile) []projection.Reaction {
			if p.Status != Erasing {
				return nil
			}
			return []projection.Reaction{{Effect: purge{m, d}}}
		},
	}
}

func purgeAt(at time.Time) projection.Reaction {
	return projection.Reaction{Deadline: &projection.Deadline{Name: "purge", At: at}}
}

type destroyKey struct {
	m  *Module
	id string
}

// Perform implements [projection.Effect].
func (e destroyKey) Perform(ctx context.Context, _ string) ([]projection.Reaction, error) {
	if err := e.m.Keys.Destroy(ctx, e.id); err != nil {
		return nil, err
	}
	return []projection.Reaction{{Command: profiles.On(e.id, RecordKeyDestroyed{})}}, nil
}

type purge struct {
	m *Module
	d projection.Deadline // whose event is that the key was destroyed
}

var errBehind = errors.New("the views have not come to where the key was destroyed")

// Perform implements [projection.Effect]. What modules hold is in lists that follow the events,
// so these have to have come far enough. The next time is set before anything is removed, and
// begins with another command, so that one that fails for good keeps nothing else from being
// removed.
func (e purge) Perform(ctx context.Context, _ string) ([]projection.Reaction, error) {
	id := e.d.Stream.ID()
	shown, err := Users.Shown(ctx, e.m.Views, id)
	if err != nil {
		return nil, err
	}
	if shown < e.d.Version {
		return nil, errBehind
	}
	var left []projection.Reaction
	var failed error
	for _, h := range e.m.Holdings {
		steps, err := h.Purge(ctx, id)
		if err != nil && failed == nil {
			failed = fmt.Errorf("look for what is left of a person: %w", err)
		}
		for _, s := range steps {
			left = append(left, projection.Reaction{Command: s})
		}
	}
	switch {
	case len(left) > 0: // who could not be asked is asked again
		again := e.d.At.Add(purgeAgain)
		first := int(again.Unix()/int64(purgeAgain.Seconds())) % len(left)
		return slices.Concat([]projection.Reaction{purgeAt(again)}, left[first:], left[:first]), nil
	case failed != nil:
		return nil, failed
	}
	return []projection.Reaction{{Command: profiles.On(id, RecordErased{})}}, nil
}
