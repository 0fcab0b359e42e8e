package estest

import (
	"errors"
	"sync"
	"testing"

	"github.com/interview-sandbox/annals/internal/es"
)

// SnapshotContract holds a store to what [es.SnapshotStore] promises. make gives a whole
// snapshot.
func SnapshotContract(t *testing.T, s es.SnapshotStore, make func(stream es.Stream, reducer int, version es.Version) es.Snapshot) {
	stream := es.NewStream("user", t.Name())
	if _, ok, err := s.Load(t.Context(), stream); ok || err != nil {
		t.Fatalf("there is a snapshot before any was made, error %v", err)
	}
	for _, c := range []struct {
		reducer int
		version es.Version
		stored  bool
	}{
		{1, 5, true}, {1, 5, false}, {1, 4, false}, {1, 6, true},
		{2, 1, true}, {1, 9, false}, {2, 1, false}, {2, 2, true},
	} {
		err := s.Save(t.Context(), make(stream, c.reducer, c.version), es.Hash{})
		if c.stored != (err == nil) || !c.stored && !errors.Is(err, es.ErrConflict) {
			t.Errorf("reducer %d version %d: got %v, want stored %v", c.reducer, c.version, err, c.stored)
		}
	}
	var wg sync.WaitGroup
	for v := es.Version(3); v <= 10; v++ {
		wg.Go(func() {
			if err := s.Save(t.Context(), make(stream, 2, v), es.Hash{}); err != nil && !errors.Is(err, es.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, ok, err := s.Load(t.Context(), stream); err != nil || !ok || got.Version != 10 || got.Hash != got.ComputeHash() {
		t.Errorf("after writers side by side: %+v, %v, error %v", got, ok, err)
	}
	ahead, behind := make(stream, 2, 10), make(stream, 2, 3)
	if err := s.Save(t.Context(), behind, es.Hash{1}); !errors.Is(err, es.ErrConflict) {
		t.Errorf("in place of one that was not rejected: %v", err)
	}
	if err := s.Save(t.Context(), behind, ahead.Hash); err != nil {
		t.Errorf("in place of one that was rejected: %v", err)
	}
	if got, ok, err := s.Load(t.Context(), stream); err != nil || !ok || got.Version != 3 {
		t.Errorf("after that: %+v, %v, error %v", got, ok, err)
	}
}
