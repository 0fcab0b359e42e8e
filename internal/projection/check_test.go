package projection_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// projected is a store with three streams, "0" to "2", each of 2+1 events, and their views.
func projected(t *testing.T, of int) (*projection.Checker, *projectiontest.Memory) {
	t.Helper()
	store, memory, b := new(estest.Memory), new(projectiontest.Memory), newBuild(false)
	p := &projection.Projector{
		Store: store, Rows: memory, Parked: memory, Generations: memory,
		Projections: []projection.Projection{&b.trail, &b.lengths, projection.Rebuilds}, Now: func() time.Time { return estest.Now },
	}
	for i := range 3 {
		tip := es.StartOf(es.NewStream("user", fmt.Sprint(i)))
		for n := range of {
			all := []events.Event{events.UserNameChanged{New: fmt.Sprint(n)}, events.UserNameChanged{New: "again"}}
			pending, err := tip.Next(es.Meta{CommandID: fmt.Sprint(n)}, estest.Now, all[0], all[1:2-n]...)
			if err == nil {
				err = store.Append(t.Context(), pending)
			}
			if err == nil {
				tip, err = tip.Follow(pending.Commit())
			}
			if failed := p.Project(t.Context(), []es.Commit{pending.Commit()}); err != nil || len(failed) > 0 {
				t.Fatal(err, failed)
			}
		}
	}
	return &projection.Checker{Projector: p, Scanner: store, Stored: memory, Snapshots: new(estest.Snapshots)}, memory
}

func checked(t *testing.T, c *projection.Checker) (all []projection.Checked, faults []string) {
	t.Helper()
	all, err := c.Check(t.Context(), func(f projection.Fault) {
		faults = append(faults, fmt.Sprintf("%s.%d %s: %s", f.Key.View, f.Key.Generation, f.Key.ID, f.Reason))
	}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return all, faults
}

func TestACheckFindsNothingWrongWithWhatWasProjected(t *testing.T) {
	c, _ := projected(t, 2)
	all, faults := checked(t, c)
	want := []projection.Checked{{View: "lengths", Generation: 1, Live: true, Rows: 3}, {View: "trail", Generation: 1, Live: true, Rows: 3}}
	if !slices.Equal(all, want) || len(faults) > 0 {
		t.Errorf("found %+v, faults %v", all, faults)
	}
}

func TestACheckNamesWhatIsNotAsFolded(t *testing.T) {
	trailOf := func(id string) projection.Key { return projection.Key{View: "trail", Generation: 1, ID: id} }
	whole := []string{"1 0", "2 again", "3 1"}
	place := [projection.Lists]projection.Place{placeOf(whole)}
	at := func(v es.Version) projection.Row { return projection.Row{Version: v} }
	for _, one := range []struct {
		name   string
		change projection.Change
		fault  string // "": none
	}{
		{"an event that was left out", projection.Change{Key: trailOf("1"), Was: at(3), Now: at(3), Data: []string{"1 0", "3 1"}, Places: place},
			"trail.1 1: version 3 is not as folded: its data"},
		{"a place in a list", projection.Change{Key: trailOf("1"), Was: at(3), Now: at(3), Data: whole},
			"trail.1 1: version 3 is not as folded: its place in list 1"},
		{"a version in the middle of a commit", projection.Change{Key: trailOf("1"), Was: at(3), Now: at(1), Data: whole[:1], Places: [projection.Lists]projection.Place{placeOf(whole[:1])}},
			"trail.1 1: it shows version 1, at which no commit ends"},
		{"a version that the stream has not reached", projection.Change{Key: trailOf("1"), Was: at(3), Now: at(4), Data: whole, Places: place},
			"trail.1 1: it shows version 4 of a stream that ends at 3"},
		{"a row without a stream", projection.Change{Key: trailOf("nobody"), Now: at(1), Data: whole[:1]},
			"trail.1 nobody: it is of a stream that does not exist"},
		{"a mark without a note", projection.Change{Key: trailOf("1"), Was: at(3), Now: projection.Row{Version: 3, Parked: 5}, Data: whole, Places: place},
			"trail.1 1: it is marked as parked, and nothing is noted about it"},
		{"a total", projection.Change{Key: projection.Key{View: "trail", Generation: 9, ID: "x"}, Now: at(1), Totals: []projection.Delta{
			{Key: projection.Key{View: "lengths", Generation: 1, ID: "total/3/0"}, Add: map[string]int64{"streams": 1}}}},
			"lengths.1 total/3/0: it is map[streams:"},
		{"a row of a generation that nobody knows", projection.Change{Key: projection.Key{View: "trail", Generation: 9, ID: "nobody"}, Now: at(1)}, ""},
		{"a row that is as it was a commit ago", projection.Change{Key: trailOf("1"), Was: at(3), Now: at(2), Data: whole[:2]}, ""},
	} {
		t.Run(one.name, func(t *testing.T) {
			c, memory := projected(t, 2)
			if err := memory.Save(t.Context(), one.change); err != nil {
				t.Fatal(err)
			}
			all, faults := checked(t, c)
			bad := all[0].Bad + all[1].Bad
			switch {
			case one.fault == "" && (len(faults) > 0 || bad > 0):
				t.Errorf("faults %v", faults)
			case one.fault != "" && (len(faults) != 1 || bad != 1 || !strings.HasPrefix(faults[0], one.fault)):
				t.Errorf("faults %v, want %s", faults, one.fault)
			}
		})
	}
}

func TestACheckTellsHowFarRowsAreBehindAndWhatIsParked(t *testing.T) {
	c, memory := projected(t, 2)
	b := newBuild(false)
	tip := es.StartOf("user#new")
	pending, err := tip.Next(es.Meta{CommandID: "new"}, estest.Now, events.UserNameChanged{New: poison}, events.UserNameChanged{New: "more"})
	if err == nil {
		err = c.Store.Append(t.Context(), pending)
	}
	if err != nil {
		t.Fatal(err)
	}
	all, faults := checked(t, c)
	if got := all[1]; got.Behind != 1 || got.Lag != 2 || got.Rows != 4 || got.Parked != 0 || len(faults) > 0 {
		t.Errorf("before it is projected: %+v, faults %v", got, faults)
	}
	c.Projections[0] = &b.trail
	if failed := c.Project(t.Context(), []es.Commit{pending.Commit()}); len(failed) > 0 {
		t.Fatal(failed)
	}
	all, faults = checked(t, c)
	if got := all[1]; got.Behind != 0 || got.Parked != 1 || got.Rows != 4 || len(faults) > 0 {
		t.Errorf("once it is parked: %+v, faults %v", got, faults)
	}
	if err := memory.Unpark(t.Context(), "trail", 1, "user#new", 1); err != nil {
		t.Fatal(err)
	}
	if _, faults = checked(t, c); len(faults) != 1 {
		t.Errorf("without the note: faults %v", faults)
	}
}
