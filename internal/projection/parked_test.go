package projection_test

import (
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// parking is a projector of a view of last names, over a stream of one commit for each name.
func parking(t *testing.T, vault es.Vault, names ...string) (*projection.Projector, *projectiontest.Memory, []es.Commit) {
	t.Helper()
	store, memory := new(estest.Memory), new(projectiontest.Memory)
	last := projection.View[string]{Name: "last", Category: "user", Apply: func(_ string, e es.Recorded) string { return nameOf(e) }}
	x := &es.Executor{Repository: es.Repository{Store: es.Opened{ScannableStore: store, Vault: vault}, Vault: vault}, Now: func() time.Time { return estest.Now }}
	for _, name := range names {
		if _, err := x.Execute(t.Context(), es.Meta{CommandID: name[:1]}, nil, estest.Plain.On("1", estest.Give(name))); err != nil {
			t.Fatal(err)
		}
	}
	var commits []es.Commit
	for c, err := range store.Read(t.Context(), "user#1", es.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	return &projection.Projector{
		Store: es.Opened{ScannableStore: store, Vault: vault}, Vault: vault, Rows: memory, Parked: memory, Generations: memory,
		Projections: []projection.Projection{&last}, Now: func() time.Time { return estest.Now },
	}, memory, commits
}

func notes(t *testing.T, memory *projectiontest.Memory) []projection.Parked {
	t.Helper()
	all, _, err := memory.ListParked(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestARowThatWouldBeTooLargeIsParkedAlsoBehindACommitThatItHas(t *testing.T) {
	p, memory, commits := parking(t, nil, "a", "b", "c"+strings.Repeat("x", es.MaxCommitBytes-600), "d")
	apply := func(row []string, e es.Recorded) []string {
		return append(row[:len(row):len(row)], nameOf(e), nameOf(e))
	}
	p.Projections = []projection.Projection{&projection.View[[]string]{Name: "last", Category: "user", Apply: apply}}
	for _, batch := range [][]es.Commit{commits[:1], commits[:3], commits} {
		if failed := p.Project(t.Context(), batch); len(failed) > 0 {
			t.Fatal(failed)
		}
	}
	if all := notes(t, memory); len(all) != 1 || all[0].Stream != "user#1" {
		t.Errorf("parked: %+v", all)
	}
	var row []string
	if stored, err := memory.Load(t.Context(), projection.Key{View: "last", Generation: 1, ID: "1"}, &row, true); err != nil || stored.Version < 1 || stored.Parked != 4 {
		t.Errorf("the row is %+v, error %v", stored, err)
	}
}

func TestARecordThatCanBeOpenedNoMoreHarmsNoRowThatHasIt(t *testing.T) {
	vault := new(estest.Vault)
	p, memory, commits := parking(t, vault, "a", "b", "c")
	if failed := p.Project(t.Context(), commits[:2]); len(failed) > 0 {
		t.Fatal(failed)
	}
	again := commits[1]
	again.Events = []es.Data{{Type: again.Events[0].Type, JSON: again.Events[0].JSON, Sealed: []byte("damaged")}}
	if failed := p.Project(t.Context(), []es.Commit{again, commits[2]}); len(failed) > 0 {
		t.Fatal(failed)
	}
	if all := notes(t, memory); len(all) > 0 {
		t.Errorf("parked: %+v", all)
	}
	var row string
	if stored, err := memory.Load(t.Context(), projection.Key{View: "last", Generation: 1, ID: "1"}, &row, true); err != nil || stored.Version != 3 || row != "c" {
		t.Errorf("the row is %+v %s, error %v", stored, row, err)
	}
}

func TestADamagedRecordIsParkedForViewsAndNotForSnapshots(t *testing.T) {
	p, memory, commits := parking(t, nil, "a", "b")
	p.Projections = append(p.Projections, projection.Snapshots(estest.Plain.Snapshotter(&es.Repository{Store: p.Store, Snapshots: new(estest.Snapshots)})))
	if err := p.Damaged(t.Context(), &es.DamagedError{Stream: "user#1", Version: commits[1].Version, Reason: "count is no number"}); err != nil {
		t.Fatal(err)
	}
	if all := notes(t, memory); len(all) != 1 || all[0].View != "last" || all[0].Version != 2 {
		t.Errorf("parked: %+v", all)
	}
	if still, err := p.Redrive(t.Context(), notes(t, memory)[0]); still || err != nil {
		t.Errorf("once it can be read: still parked %v, error %v", still, err)
	}
	if all := notes(t, memory); len(all) > 0 {
		t.Errorf("still parked: %+v", all)
	}
}
