package auth

import (
	"context"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// ReleaseAddress frees the address of an account that is being erased, so that it can be
// registered again.
type ReleaseAddress struct{}

// Decide implements [es.Command].
func (ReleaseAddress) Decide(u User, _ time.Time) ([]events.Auth, error) {
	if u.Status != Erasing || u.Released {
		return nil, nil
	}
	return []events.Auth{events.UserAddressReleased{Email: u.Email}}, nil
}

// releasing is the first step of an erasure: an address can be told from an account only as
// long as the person's key is there.
func (m *Module) releasing() *projection.Reactor[struct{}] {
	return &projection.Reactor[struct{}]{
		Name:     "address-release",
		Category: "user",
		Triggers: []projection.Trigger{
			{Event: events.UserErasureRequested{}, Since: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)},
		},
		React: func(e es.Recorded) []projection.Reaction {
			return []projection.Reaction{{Command: m.users().On(e.Stream.ID(), ReleaseAddress{})}}
		},
	}
}

// purgePage is how many logins one call of Purge ends.
const purgePage = 100

// Purge ends logins that the view lists, whose rows say which program they are of.
func (m *Module) Purge(ctx context.Context, userID string) (steps []es.Step, err error) {
	rows, _, err := Sessions.List(ctx, m.Views, projection.Query{Partition: userID, Limit: purgePage})
	for _, row := range rows {
		steps = append(steps, sessions.On(row.ID, EndSession{userID, "erased"}))
	}
	return steps, err
}

// Export gives the logins of a person that go on or have run out.
func (m *Module) Export(ctx context.Context, userID string) (name string, part any, err error) {
	logins := []LoginReply{}
	for q := (projection.Query{Partition: userID, Limit: purgePage}); ; {
		rows, next, err := Sessions.List(ctx, m.Views, q)
		if err != nil {
			return "", nil, err
		}
		for _, row := range rows {
			logins = append(logins, row.LoginReply)
		}
		if q.After = next; next == "" {
			return "sessions", logins, nil
		}
	}
}
