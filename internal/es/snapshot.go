package es

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/interview-sandbox/annals/events"
)

// Snapshot is a folded state, so that a long stream need not be read from its beginning. It
// can be thrown away at any time.
type Snapshot struct {
	Stream  Stream
	Version Version   // of the stream's last event that is in it
	At      time.Time // of that event's commit
	Tip     Hash      // of that event's commit
	Reducer int       // the aggregate's, see [Aggregate.Reducer]
	Shape   uint32    // of the state's type: its fields, their names and types
	State   []byte    // JSON; sealed if there is a subject
	Subject string    // whose personal data the state holds; "": nobody's
	Recent  []byte    // the last commands, so that repeats of them are known
	Hash    Hash      // over all of the above
}

// ComputeHash is the digest that Hash has to be.
func (s Snapshot) ComputeHash() Hash {
	d := digest{sha256.New()}
	d.text("annals snapshot 2")
	d.text(string(s.Stream))
	d.number(uint64(s.Version))
	d.number(uint64(s.At.UnixMilli()))
	d.Write(s.Tip[:])
	d.number(uint64(s.Reducer))
	d.number(uint64(s.Shape))
	d.text(string(s.State))
	d.text(s.Subject)
	d.text(string(s.Recent))
	return Hash(d.Sum(nil))
}

// SnapshotStore keeps the newest snapshot of each stream.
type SnapshotStore interface {
	// Load gives a stream's snapshot; ok is false if there is none that can be read.
	Load(ctx context.Context, s Stream) (snapshot Snapshot, ok bool, err error)

	// Save stores a snapshot unless there is one of the same stream that is better: of a
	// higher reducer, or of the same and no lower version. A stored snapshot that does not
	// fit its hash, or whose hash is the one rejected, is never better. [ErrConflict] if it
	// was not stored.
	Save(ctx context.Context, snapshot Snapshot, rejected Hash) error
}

// snapshot restores a stream's snapshot, and gives its hash; the state of an empty stream if
// there is none, or none that this reducer made of such a state, or a damaged one, or one
// that cannot be opened any more.
func (a *Aggregate[S, E]) snapshot(ctx context.Context, r *Repository, s Stream) (Folded[S], Hash, error) {
	empty := Folded[S]{Tip: StartOf(s)}
	stored, ok, err := r.Snapshots.Load(ctx, s)
	if err != nil {
		return empty, Hash{}, err
	}
	if !ok || stored.Stream != s || stored.Reducer != a.Reducer || stored.Shape != shapeOf[S]() || stored.Hash != stored.ComputeHash() {
		return empty, Hash{}, nil
	}
	state, err := stored.open(ctx, r.Vault)
	if err != nil || state == nil {
		return empty, Hash{}, err
	}
	f := Folded[S]{Tip: Tip{s, stored.Version, stored.Tip, stored.At}}
	if json.Unmarshal(state, &f.State) != nil {
		return empty, Hash{}, nil
	}
	if f.recent, err = decodeRecent(stored.Recent); err != nil {
		return empty, Hash{}, nil
	}
	return f, stored.Hash, nil
}

// defaultSnapshotEvery keeps the commits since the last snapshot within the first read of a
// cold load.
const defaultSnapshotEvery = tail

// Snapshotter keeps the snapshots of one category of streams.
type Snapshotter interface {
	// Category is that of the streams.
	Category() string
	// Snapshot makes a snapshot if one of these commits makes one due, by the aggregate's
	// policy.
	Snapshot(ctx context.Context, s Stream, commits []Commit) error
	// Check says in what a stored snapshot differs from the fold of the events; "" if it does
	// not, or is one that nobody uses any more.
	Check(ctx context.Context, stored Snapshot) (fault string, err error)
}

// SnapshotScanner reads all snapshots.
type SnapshotScanner interface {
	// ScanAll gives one of several parts of all snapshots, damaged ones as far as they can be
	// read. Iteration ends at the first error.
	ScanAll(ctx context.Context, part, parts int) iter.Seq2[Snapshot, error]
}

// Snapshotter keeps the aggregate's snapshots.
func (a *Aggregate[S, E]) Snapshotter(r *Repository) Snapshotter { return snapshotter[S, E]{a, r} }

type snapshotter[S State[S, E], E events.Event] struct {
	aggregate  *Aggregate[S, E]
	repository *Repository
}

// Category implements [Snapshotter].
func (p snapshotter[S, E]) Category() string { return p.aggregate.Category }

// Snapshot implements [Snapshotter]. One is due whenever the stream's version passes a
// multiple of the policy.
func (p snapshotter[S, E]) Snapshot(ctx context.Context, s Stream, commits []Commit) error {
	every := Version(p.aggregate.SnapshotEvery)
	if every == 0 {
		every = defaultSnapshotEvery
	}
	due := false
	for _, c := range commits {
		due = due || (c.Version-1)/every != c.Last()/every
	}
	if !due {
		return nil
	}
	f, err := p.aggregate.Load(ctx, p.repository, s.ID())
	if err != nil {
		return fmt.Errorf("make a snapshot: %w", err)
	}
	state, err := json.Marshal(f.State)
	if err != nil {
		return fmt.Errorf("make a snapshot of a %s: %w", s.Category(), err)
	}
	made := Snapshot{Stream: s, Version: f.Tip.version, At: f.Tip.at, Tip: f.Tip.hash, Reducer: p.aggregate.Reducer, Shape: shapeOf[S](), State: state, Recent: f.recent.encode()}
	if p.aggregate.Subject != nil {
		if made, err = made.seal(ctx, p.repository.Vault, p.aggregate.Subject(f.State)); errors.Is(err, ErrErased) {
			return nil
		} else if err != nil {
			return fmt.Errorf("make a snapshot: %w", err)
		}
	}
	made.Hash = made.ComputeHash()
	// A snapshot that is too large to be stored is left out: it only saves time.
	if err := p.repository.Snapshots.Save(ctx, made, f.rejected); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrTooLarge) {
		return fmt.Errorf("make a snapshot: %w", err)
	}
	return nil
}

// Check implements [Snapshotter].
func (p snapshotter[S, E]) Check(ctx context.Context, stored Snapshot) (fault string, err error) {
	if stored.Hash != stored.ComputeHash() {
		return "it does not fit its hash", nil
	}
	state, err := stored.open(ctx, p.repository.Vault)
	if err != nil || state == nil || stored.Reducer != p.aggregate.Reducer || stored.Shape != shapeOf[S]() {
		return "", err
	}
	f, err := p.aggregate.follow(ctx, p.repository.Store, Folded[S]{Tip: StartOf(stored.Stream)}, Range{Through: stored.Version})
	if err != nil {
		return "", fmt.Errorf("check a snapshot: %w", err)
	}
	clean, err := json.Marshal(f.State)
	switch {
	case err != nil:
		return "", err
	case f.Tip != Tip{stored.Stream, stored.Version, stored.Tip, stored.At}:
		return "it is of no commit of its stream", nil
	case !bytes.Equal(clean, state):
		return "its state is not as folded", nil
	case !bytes.Equal(f.recent.encode(), stored.Recent):
		return "its commands are not those of its stream", nil
	}
	return "", nil
}
