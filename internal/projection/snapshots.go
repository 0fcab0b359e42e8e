package projection

import (
	"context"

	"github.com/interview-sandbox/annals/internal/es"
)

// Snapshots is the projection that keeps an aggregate's snapshots. It has no generations,
// and nothing is parked for it: what cannot be folded is only without a snapshot.
func Snapshots(s es.Snapshotter) Projection { return snapshots{s} }

type snapshots struct{ es.Snapshotter }

func (p snapshots) name() string            { return "snapshots of " + p.Category() }
func (p snapshots) covers(s es.Stream) bool { return s.Category() == p.Category() }
func (p snapshots) wakes([]es.Commit) bool  { return true }
func (p snapshots) generational() bool      { return false }

func (p snapshots) follow(ctx context.Context, _ *Projector, _ int, s es.Stream, commits []es.Commit) (saved, error) {
	err := p.make(ctx, s, commits)
	if _, forGood := deterministic(err, 0); forGood {
		return saved{}, nil
	}
	return saved{}, err
}

func (p snapshots) fresh(int, es.Stream, []es.Commit) (c Change, ok bool) { return c, false }

func (p snapshots) park(context.Context, *Projector, int, es.Stream, es.Version, es.Version) (bool, error) {
	return false, nil
}

func (p snapshots) parked(context.Context, *Projector, int, es.Stream) (bool, error) {
	return false, nil
}

// make makes a snapshot if one is due, with a panic as an error.
func (p snapshots) make(ctx context.Context, s es.Stream, commits []es.Commit) (err error) {
	defer recovered(&err, s, commits[len(commits)-1].Last())
	return p.Snapshot(ctx, s, commits)
}
