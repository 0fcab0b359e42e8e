package projection_test

import (
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

func TestAReaderFollowsASwitchWithinSeconds(t *testing.T) {
	now, memory := estest.Now, new(projectiontest.Memory)
	view := projection.View[string]{Name: "last", Category: "user", Apply: func(_ string, e es.Recorded) string { return nameOf(e) }}
	for generation, name := range map[int]string{1: "old", 2: "new"} {
		err := memory.Save(t.Context(), projection.Change{Key: projection.Key{View: "last", Generation: generation, ID: "1"}, Now: projection.Row{Version: 1}, Data: name})
		if err != nil {
			t.Fatal(err)
		}
	}
	reader := &projection.Reader{Store: new(estest.Memory), Rows: memory, Generations: memory, Now: func() time.Time { return now }}
	expect := func(when, want string) {
		t.Helper()
		if got, _, ok, err := view.Get(t.Context(), reader, "1", es.Moment{}); err != nil || !ok || got != want {
			t.Errorf("%s: read %q, error %v", when, got, err)
		}
	}
	if err := memory.ChangeGenerations(t.Context(), "another", projection.First, projection.Generations{Live: 1, Newest: 2, Version: 1}); err != nil {
		t.Fatal(err)
	}
	expect("before", "old")
	if err := memory.ChangeGenerations(t.Context(), "last", projection.First, projection.Generations{Live: 2, Other: 1, Newest: 2, Version: 1}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(6 * time.Second)
	expect("six seconds after the switch", "new")
}
