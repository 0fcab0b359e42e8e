package estest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// SearchContract holds a store to what [es.Searcher] promises. Commits of others may be in
// it.
func SearchContract(t *testing.T, s es.SearchableStore) {
	const mine = "user#searched-"
	var all []es.Commit
	for stream := range 5 {
		tip := es.StartOf(es.Stream(fmt.Sprintf("%s%d", mine, stream)))
		for i := range 2 + stream {
			meta := es.Meta{CommandID: "c", Actor: fmt.Sprintf("searched-%d", i%2), CorrelationID: fmt.Sprintf("searched-%d", stream%2)}
			p, err := tip.Next(meta, Now.Add(time.Duration(stream+i)*time.Second), events.UserNameChanged{New: "x"})
			must(t, err)
			must(t, s.Append(t.Context(), p))
			tip = follow(t, tip, p.Commit())
			all = append(all, p.Commit())
		}
	}
	for name, f := range map[string]es.Filter{
		"all":                   {Prefix: mine},
		"the first of each":     {Prefix: mine, First: true},
		"one stream":            {Prefix: mine + "3"},
		"no stream":             {Prefix: mine + "9"},
		"an actor":              {Actor: "searched-1"},
		"a request":             {CorrelationID: "searched-0"},
		"an actor in a request": {Actor: "searched-1", CorrelationID: "searched-0"},
		"from a time":           {Prefix: mine, From: Now.Add(3 * time.Second)},
		"to a time":             {Prefix: mine, To: Now.Add(3 * time.Second)},
		"between two":           {Prefix: mine, From: Now.Add(2*time.Second + 1), To: Now.Add(4*time.Second - 1)},
		"one moment":            {Prefix: mine, From: Now.Add(3 * time.Second), To: Now.Add(3 * time.Second)},
	} {
		want := []string{}
		for _, c := range all {
			if f.Selects(c) {
				want = append(want, placeOf(c))
			}
		}
		for _, look := range []int{1, 3, 1000} {
			got := search(t, s, f, look)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s, looking at %d: got %v, want %v", name, look, got, want)
			}
		}
	}
}

func placeOf(c es.Commit) string { return fmt.Sprintf("%s %d", c.Stream, c.Version) }

// search finds all that a filter selects. It goes on alternately from where a search ended
// and from what it found last, which are both places.
func search(t *testing.T, s es.Searcher, f es.Filter, look int) (places []string) {
	t.Helper()
	var after es.Place
	for turn := 0; ; turn++ {
		found, next, err := s.Search(t.Context(), f, after, look)
		must(t, err)
		if len(found) > 1 && turn%2 == 0 {
			found = found[:len(found)/2]
			last := found[len(found)-1].Place()
			next = &last
		}
		for _, item := range found {
			if !f.Selects(item.Commit) || len(item.Commit.Events) == 0 {
				t.Errorf("found %s, error %v", placeOf(item.Commit), item.Err)
			}
			places = append(places, placeOf(item.Commit))
		}
		if next == nil {
			return places
		}
		after = *next
	}
}
