package estest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
)

// Snapshots is a real [es.SnapshotStore] that keeps its snapshots in memory. Its zero value
// is ready.
type Snapshots struct {
	mu   sync.Mutex
	kept map[es.Stream]es.Snapshot
}

// Load implements [es.SnapshotStore].
func (m *Snapshots) Load(_ context.Context, s es.Stream) (es.Snapshot, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	snapshot, ok := m.kept[s]
	return snapshot, ok, nil
}

// ScanAll implements [es.SnapshotScanner]. All is in the first part.
func (m *Snapshots) ScanAll(_ context.Context, part, _ int) iter.Seq2[es.Snapshot, error] {
	m.mu.Lock()
	all := slices.Collect(maps.Values(m.kept))
	m.mu.Unlock()
	return func(yield func(es.Snapshot, error) bool) {
		for _, s := range all {
			if part > 0 || !yield(s, nil) {
				return
			}
		}
	}
}

// Save implements [es.SnapshotStore].
func (m *Snapshots) Save(_ context.Context, snapshot es.Snapshot, rejected es.Hash) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	there, ok := m.kept[snapshot.Stream]
	whole := ok && there.Hash == there.ComputeHash() && there.Hash != rejected
	if whole && (there.Reducer > snapshot.Reducer || there.Reducer == snapshot.Reducer && there.Version >= snapshot.Version) {
		return es.ErrConflict
	}
	m.put(snapshot.Stream, snapshot)
	return nil
}

// Put stores a snapshot whatever it is and whatever is there, as damage does.
func (m *Snapshots) Put(s es.Stream, snapshot es.Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(s, snapshot)
}

func (m *Snapshots) put(s es.Stream, snapshot es.Snapshot) {
	if m.kept == nil {
		m.kept = map[es.Stream]es.Snapshot{}
	}
	m.kept[s] = snapshot
}
