package projectiontest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

type row struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	Tags []string  `json:"tags"`
}

func shows(v es.Version) projection.Row { return projection.Row{Version: v} }

var at = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// RowsContract holds a store to what [projection.Rows] promises.
func RowsContract(t *testing.T, r projection.Rows) {
	key := func(t *testing.T, id string) projection.Key {
		return projection.Key{View: strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()), Generation: 1, ID: id}
	}
	save := func(t *testing.T, c projection.Change) {
		t.Helper()
		if err := r.Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	load := func(t *testing.T, k projection.Key) (row, projection.Row) {
		t.Helper()
		var got row
		stored, err := r.Load(t.Context(), k, &got, true)
		if err != nil {
			t.Fatal(err)
		}
		return got, stored
	}
	t.Run("there is no row before one is saved", func(t *testing.T) {
		if got, stored := load(t, key(t, "a")); stored != (projection.Row{}) || !reflect.DeepEqual(got, row{}) {
			t.Errorf("got %+v %+v", got, stored)
		}
	})
	t.Run("what is saved is loaded, each generation apart", func(t *testing.T) {
		k, other := key(t, "a"), key(t, "a")
		other.Generation = 2
		want := row{"Ada", at, []string{"x", "y"}}
		save(t, projection.Change{Key: k, Now: shows(3), Data: want})
		if got, stored := load(t, k); stored != (projection.Row{Version: 3}) || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v %+v", got, stored)
		}
		if _, stored := load(t, other); stored.Version != 0 {
			t.Errorf("another generation has %+v", stored)
		}
	})
	t.Run("a row is replaced only at the version it has to be at", func(t *testing.T) {
		k := key(t, "a")
		save(t, projection.Change{Key: k, Now: shows(2), Data: row{Name: "first"}})
		for _, was := range []es.Version{0, 1, 3} {
			if err := r.Save(t.Context(), projection.Change{Key: k, Was: shows(was), Now: shows(9), Data: row{}}); !errors.Is(err, es.ErrConflict) {
				t.Errorf("saved over version 2 as if it were %d: %v", was, err)
			}
		}
		save(t, projection.Change{Key: k, Was: shows(2), Now: shows(3), Data: row{Name: "second"}})
		if got, stored := load(t, k); got.Name != "second" || stored.Version != 3 {
			t.Errorf("got %+v %+v", got, stored)
		}
	})
	t.Run("a row that is not there can be marked", func(t *testing.T) {
		k := key(t, "a")
		save(t, projection.Change{Key: k, Now: projection.Row{Parked: 2}, Data: row{}})
		if _, stored := load(t, k); stored != (projection.Row{Parked: 2}) {
			t.Errorf("got %+v", stored)
		}
		for _, was := range []projection.Row{{}, {Parked: 1}} {
			if err := r.Save(t.Context(), projection.Change{Key: k, Was: was, Now: shows(1), Data: row{}}); !errors.Is(err, es.ErrConflict) {
				t.Errorf("saved over a mark as if there was %+v: %v", was, err)
			}
		}
		save(t, projection.Change{Key: k, Was: projection.Row{Parked: 2}, Now: shows(1), Data: row{}})
		if _, stored := load(t, k); stored != (projection.Row{Version: 1}) {
			t.Errorf("got %+v", stored)
		}
	})
	t.Run("of many rows at once those are inserted that are not there", func(t *testing.T) {
		save(t, projection.Change{Key: key(t, "3"), Now: shows(7), Data: row{Name: "before"}})
		save(t, projection.Change{Key: key(t, "4"), Now: projection.Row{Parked: 1}, Data: row{}})
		changes := make([]projection.Change, projection.InsertLimit)
		for i := range changes {
			changes[i] = projection.Change{Key: key(t, fmt.Sprint(i)), Now: shows(2), Data: row{fmt.Sprint(i), at, []string{"it's"}}}
			changes[i].Places[0] = projection.Place{Partition: "all", Sort: fmt.Sprintf("%02d", i)}
		}
		changes[5].Data = row{Name: strings.Repeat("x", 400<<10)}
		refused, err := r.Insert(t.Context(), changes)
		if slices.Sort(refused); err != nil || !slices.Contains(refused, 3) || !slices.Contains(refused, 5) {
			t.Fatalf("refused %v, error %v", refused, err)
		}
		var want []string
		for i := range changes {
			switch got, stored := load(t, changes[i].Key); {
			case slices.Contains(refused, i):
				if stored.Version == 2 {
					t.Errorf("row %d was refused, and is %+v", i, got)
				}
			case stored != (projection.Row{Version: 2}) || !reflect.DeepEqual(got, changes[i].Data):
				t.Errorf("row %d is %+v %+v", i, got, stored)
			default:
				want = append(want, got.Name)
			}
		}
		if got := listed(t, r, projection.Listing{View: key(t, "").View, Generation: 1, Partition: "all", Limit: 100}); !slices.Equal(got, want) || len(want) < projection.InsertLimit-3 {
			t.Errorf("listed %v, want %v", got, want)
		}
	})
	t.Run("a row without a partition or a sort is in no list", func(t *testing.T) {
		k := key(t, "a")
		c := projection.Change{Key: k, Now: shows(1), Data: row{}}
		c.Places = [projection.Lists]projection.Place{{Partition: "all"}, {Sort: "x"}}
		save(t, c)
		for list := range projection.Lists {
			if got := listed(t, r, projection.Listing{View: k.View, Generation: 1, List: list, Partition: "all", Limit: 10}); len(got) > 0 {
				t.Errorf("list %d: %v", list, got)
			}
		}
	})
	t.Run("a row that cannot fit is refused", func(t *testing.T) {
		k := key(t, "a")
		err := r.Save(t.Context(), projection.Change{Key: k, Now: shows(1), Data: row{Name: strings.Repeat("x", 400<<10)}})
		if _, stored := load(t, k); !errors.Is(err, es.ErrTooLarge) || stored.Version != 0 {
			t.Errorf("got %v, stored %+v", err, stored)
		}
	})
	t.Run("totals change with their row or not at all", func(t *testing.T) {
		k, total := key(t, "a"), key(t, "total")
		add := func(n int64) []projection.Delta {
			return []projection.Delta{{Key: total, Add: map[string]int64{"count": n, "sum": 10 * n}}}
		}
		save(t, projection.Change{Key: k, Now: shows(1), Data: row{}, Totals: add(2)})
		if err := r.Save(t.Context(), projection.Change{Key: k, Now: shows(1), Data: row{}, Totals: add(5)}); !errors.Is(err, es.ErrConflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		save(t, projection.Change{Key: k, Was: shows(1), Now: shows(2), Data: row{}, Totals: add(-1)})
		got, err := r.Total(t.Context(), total)
		if want := map[string]int64{"count": 1, "sum": 10}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("total %v, error %v, want %v", got, err, want)
		}
		if none, err := r.Total(t.Context(), key(t, "none")); err != nil || len(none) > 0 {
			t.Errorf("a total of nothing is %v, error %v", none, err)
		}
	})
	t.Run("no addition to a total is lost between writers", func(t *testing.T) {
		total := key(t, "total")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				c := projection.Change{Key: key(t, fmt.Sprint(i)), Now: shows(1), Data: row{}, Totals: []projection.Delta{{Key: total, Add: map[string]int64{"count": 1}}}}
				err := r.Save(t.Context(), c)
				for errors.Is(err, es.ErrConflict) {
					err = r.Save(t.Context(), c)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got, err := r.Total(t.Context(), total); err != nil || got["count"] != 8 {
			t.Errorf("total %v, error %v", got, err)
		}
	})
	t.Run("a list has its rows in order, page by page, whatever their number", func(t *testing.T) {
		k := key(t, "")
		place := func(i int) (p [projection.Lists]projection.Place) {
			p[1] = projection.Place{Partition: "all", Sort: fmt.Sprintf("%02d", i/2)} // each place twice
			return p
		}
		var want []string
		for i := range 9 {
			k.ID = fmt.Sprint(i)
			save(t, projection.Change{Key: k, Now: shows(1), Data: row{Name: fmt.Sprint(i)}, Places: place(i)})
			want = append(want, fmt.Sprint(i))
		}
		k.ID, k.Generation = "elsewhere", 2
		save(t, projection.Change{Key: k, Now: shows(1), Data: row{Name: "elsewhere"}, Places: place(1)})
		k.ID, k.Generation = "nowhere", 1
		save(t, projection.Change{Key: k, Now: shows(1), Data: row{Name: "nowhere"}})
		for limit := 1; limit <= 10; limit++ {
			got := listed(t, r, projection.Listing{View: k.View, Generation: 1, List: 1, Partition: "all", Limit: limit})
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("limit %d: got %v, want %v", limit, got, want)
			}
		}
		veiled := projection.Listing{View: k.View, Generation: 1, List: 1, Partition: "all", Limit: 2, Veiled: true}
		if got := slices.Sorted(slices.Values(listed(t, r, veiled))); !slices.Equal(got, want) {
			t.Errorf("veiled: got %v, want %v", got, want)
		}
		next, err := r.List(t.Context(), veiled, func(func(any) error) error { return nil })
		if err != nil || next != "0" && next != "1" {
			t.Errorf("a veiled place is %q, error %v", next, err)
		}
		for _, veiled.After = range []string{"nowhere", "elsewhere", "none"} {
			if _, err := r.List(t.Context(), veiled, nil); !errors.Is(err, projection.ErrPlace) {
				t.Errorf("from %q on: error %v", veiled.After, err)
			}
		}
		got := listed(t, r, projection.Listing{View: k.View, Generation: 1, List: 1, Partition: "all", Prefix: "01", Limit: 10})
		slices.Sort(got)
		if !slices.Equal(got, []string{"2", "3"}) {
			t.Errorf("prefix 01: got %v", got)
		}
		k.ID = "2"
		save(t, projection.Change{Key: k, Was: shows(1), Now: shows(2), Data: row{Name: "2"}})
		if got := listed(t, r, projection.Listing{View: k.View, Generation: 1, List: 1, Partition: "all", Prefix: "01", Limit: 10}); !slices.Equal(got, []string{"3"}) {
			t.Errorf("after one has left: got %v", got)
		}
	})
}

func listed(t *testing.T, r projection.Rows, q projection.Listing) (names []string) {
	t.Helper()
	for {
		n := 0
		next, err := r.List(t.Context(), q, func(decode func(any) error) error {
			var got row
			n++
			err := decode(&got)
			names = append(names, got.Name)
			return err
		})
		if err != nil || n > q.Limit {
			t.Fatalf("a page of %d rows, error %v", n, err)
		}
		if next == "" {
			return names
		}
		q.After = next
	}
}

// StoredContract holds a store to what [projection.StoredRows] promises.
func StoredContract(t *testing.T, r interface {
	projection.Rows
	projection.StoredRows
}) {
	key := func(generation int, id string) projection.Key {
		return projection.Key{View: "stored", Generation: generation, ID: id}
	}
	places := [projection.Lists]projection.Place{{Partition: "a/b", Sort: "c"}}
	want := map[projection.Key]string{}
	for g := range 2 {
		for i := range 120 {
			k := key(g+1, fmt.Sprint(i))
			c := projection.Change{
				Key: k, Now: projection.Row{Version: es.Version(i), Parked: es.Version(g)}, Data: row{Name: k.ID}, Places: places,
				Totals: []projection.Delta{{Key: key(g+1, "total/all/0"), Add: map[string]int64{"rows": 1}}},
			}
			if err := r.Save(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			want[k] = fmt.Sprint(c.Now, places, k.ID)
		}
	}
	tell := func(s projection.Stored) string {
		if s.Total != nil {
			return fmt.Sprint(s.Total)
		}
		var got row
		if err := s.Decode(&got); err != nil {
			t.Error(err)
		}
		return fmt.Sprint(s.Row, s.Places, got.Name)
	}
	loaded, err := r.LoadAll(t.Context(), append(slices.Collect(maps.Keys(want)), key(3, "0")))
	got := map[projection.Key]string{}
	for k, s := range loaded {
		got[k] = tell(s)
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("loaded %v, error %v, want %v", got, err, want)
	}
	clear(got)
	for g := range 2 {
		want[key(g+1, "total/all/0")] = "map[rows:120]"
	}
	for part := range 3 {
		for s, err := range r.ScanAll(t.Context(), part, 3) {
			if err != nil {
				t.Fatal(err)
			}
			if s.Key.View == "stored" {
				got[s.Key] = tell(s)
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("scanned %v, want %v", got, want)
	}
}

// ParkedContract holds a store to what [projection.ParkedStore] promises. It has to be empty
// at first.
func ParkedContract(t *testing.T, p projection.ParkedStore) {
	entry := func(stream string, version es.Version, at time.Time) projection.Parked {
		return projection.Parked{View: "users", Generation: 1, Stream: es.NewStream("user", stream), Version: version, Error: "broken", Attempts: 1, FirstAt: at, LastAt: at}
	}
	list := func() (all []projection.Parked) {
		t.Helper()
		for after := ""; ; {
			page, next, err := p.ListParked(t.Context(), after, 2)
			if err != nil || len(page) > 2 {
				t.Fatalf("a page of %d, error %v", len(page), err)
			}
			all = append(all, page...)
			if next == "" {
				slices.SortFunc(all, func(a, b projection.Parked) int { return strings.Compare(string(a.Stream), string(b.Stream)) })
				return all
			}
			after = next
		}
	}
	for _, e := range []projection.Parked{entry("a", 1, at), entry("b", 2, at), entry("c", 3, at), entry("b", 7, at.Add(time.Hour)), entry("b", 6, at.Add(2*time.Hour))} {
		if err := p.Park(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	again := entry("b", 7, at.Add(time.Hour))
	again.FirstAt, again.Attempts = at, 2
	if got, want := list(), []projection.Parked{entry("a", 1, at), again, entry("c", 3, at)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, step := range []struct {
		through es.Version
		left    int
	}{{6, 3}, {7, 2}, {7, 2}} {
		if err := p.Unpark(t.Context(), "users", 1, "user#b", step.through); err != nil {
			t.Fatal(err)
		}
		if got := list(); len(got) != step.left {
			t.Errorf("what is parked at 7, forgotten through %d: %+v", step.through, got)
		}
	}
}

// GenerationsContract holds a store to what [projection.GenerationStore] promises. It has to
// be empty at first.
func GenerationsContract(t *testing.T, g projection.GenerationStore) {
	building := projection.Generations{Live: 1, Other: 2, Building: true, Newest: 2, Version: 3, DroppedAt: 1767323045678}
	change := func(view string, was, now projection.Generations, want error) {
		t.Helper()
		if err := g.ChangeGenerations(t.Context(), view, was, now); !errors.Is(err, want) {
			t.Errorf("from %+v to %+v: got %v, want %v", was, now, err, want)
		}
	}
	change("users", building, projection.First, es.ErrConflict)
	change("users", projection.First, building, nil)
	change("users", projection.First, building, es.ErrConflict)
	change("other", projection.First, building, nil)
	change("other", building, projection.First, nil)
	change("other", projection.First, building, nil)
	got, err := g.LoadGenerations(t.Context())
	if want := map[string]projection.Generations{"users": building, "other": building}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, error %v, want %+v", got, err, want)
	}
}

// PartsContract holds a store to what [projection.PartStore] promises.
func PartsContract(t *testing.T, s projection.PartStore) {
	const view = "users"
	load := func(generation int) []projection.Part {
		t.Helper()
		got, err := s.LoadParts(t.Context(), view, generation)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	save := func(p projection.Part, want error) {
		t.Helper()
		if err := s.SavePart(t.Context(), p); !errors.Is(err, want) {
			t.Errorf("saving revision %d: got %v, want %v", p.Revision, err, want)
		}
	}
	if got := load(2); len(got) > 0 {
		t.Errorf("parts before any were saved: %+v", got)
	}
	var want []projection.Part
	for part := range projection.Parts {
		p := projection.Part{View: view, Generation: 2, Part: part, Revision: 1, Total: 100, StartedAt: at}
		save(p, nil)
		save(p, es.ErrConflict)
		want = append(want, p)
	}
	want[1].Revision, want[1].Rows, want[1].Done, want[1].After, want[1].Finished, want[1].UpdatedAt = 2, 7, 50, []byte("place"), true, at.Add(time.Second)
	save(want[1], nil)
	save(want[1], es.ErrConflict)
	stale := want[1]
	stale.Revision = 9
	save(stale, es.ErrConflict)
	if got := load(2); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := load(3); len(got) > 0 {
		t.Errorf("another generation has %+v", got)
	}
	third := projection.Part{View: view, Generation: 4, Part: 3, Revision: 1, StartedAt: at}
	save(third, nil)
	if got := load(4); !reflect.DeepEqual(got, []projection.Part{third}) {
		t.Errorf("of the third part alone: got %+v", got)
	}
}

// PurgeContract holds a store to what [projection.Rows] promises of a purge. parts has to
// keep the parts of rebuilds of the same views.
func PurgeContract(t *testing.T, r projection.Rows, parts projection.PartStore) {
	const generations, many = 4, 60
	key := func(view string, generation int, id any) projection.Key {
		return projection.Key{View: view, Generation: generation, ID: fmt.Sprint(id)}
	}
	viewsThere := []string{"purged", "purged-not", "other"}
	for _, view := range viewsThere {
		for g := 1; g <= generations; g++ {
			for i := range many {
				c := projection.Change{Key: key(view, g, i), Now: shows(1), Data: row{Name: "there"}, Totals: []projection.Delta{{Key: key(view, g, "total/all/0"), Add: map[string]int64{"n": 1}}}}
				c.Places[0] = projection.Place{Partition: "all", Sort: fmt.Sprint(i)}
				if err := r.Save(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			if err := parts.SavePart(t.Context(), projection.Part{View: view, Generation: g, Revision: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	own := projection.Part{View: "purged", Generation: 0, Revision: 1}
	if err := parts.SavePart(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	dropped := func(g int) bool { return g == 1 || g == 3 }
	pages := 0
	for after, first := []byte(nil), true; first || after != nil; first = false {
		next, err := r.Purge(t.Context(), "purged", dropped, after)
		if err != nil {
			t.Fatal(err)
		}
		if pages++; pages > 10_000 {
			t.Fatal("a purge comes to no end")
		}
		after = next
	}
	for _, view := range viewsThere {
		for g := 1; g <= generations; g++ {
			want := view != "purged" || !dropped(g)
			total, err := r.Total(t.Context(), key(view, g, "total/all/0"))
			left, err2 := parts.LoadParts(t.Context(), view, g)
			if err != nil || err2 != nil || len(total) > 0 != want || len(left) > 0 != want {
				t.Errorf("generation %d of %s: total %v, parts %v, errors %v, %v; want them there: %v", g, view, total, left, err, err2, want)
			}
			for i := range many {
				var got row
				stored, err := r.Load(t.Context(), key(view, g, i), &got, true)
				if err != nil || stored.Version > 0 != want {
					t.Fatalf("row %d of generation %d of %s: %+v, error %v, want it there: %v", i, g, view, stored, err, want)
				}
			}
			listed := listed(t, r, projection.Listing{View: view, Generation: g, Partition: "all", Limit: 100})
			if len(listed) > 0 != want {
				t.Errorf("generation %d of %s lists %d rows, want them there: %v", g, view, len(listed), want)
			}
		}
	}
	if left, err := parts.LoadParts(t.Context(), "purged", 0); err != nil || len(left) != 1 {
		t.Errorf("the part that is the purge itself: %v, error %v", left, err)
	}
}

// DeadlinesContract holds a store to what [projection.DeadlineStore] promises. It has to be
// empty at first.
func DeadlinesContract(t *testing.T, s projection.DeadlineStore) {
	const shard = 3
	number := 0
	deadline := func(after time.Duration) projection.Deadline {
		for number++; projection.DeadlineShard(fmt.Sprint(number)) != shard; number++ {
		}
		return projection.Deadline{
			Name: "remind", At: at.Add(after), ID: fmt.Sprint(number), Reactor: "verification", Stream: "user#a", Version: 7,
			CausationID: "causation", CorrelationID: "correlation", Trace: "trace",
		}
	}
	set := func(d projection.Deadline) {
		t.Helper()
		for range 2 {
			if err := s.SetDeadline(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	clear := func(d projection.Deadline) {
		t.Helper()
		for range 2 {
			if err := s.ClearDeadline(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(what string, by time.Duration, want ...projection.Deadline) {
		t.Helper()
		for limit := 1; limit <= 4; limit++ {
			var got []projection.Deadline
			for after, more := "", true; more; more = after != "" {
				page, next, err := s.ListDue(t.Context(), shard, at.Add(by), after, limit)
				if err != nil || len(page) > limit {
					t.Fatalf("%s: a page of %d, error %v", what, len(page), err)
				}
				got, after = append(got, page...), next
			}
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("%s, limit %d:\ngot  %+v\nwant %+v", what, limit, got, want)
			}
		}
	}
	expectParked := func(id string, want projection.Deadline, wantOK bool) {
		t.Helper()
		if got, ok, err := s.LoadParkedDeadline(t.Context(), id); err != nil || ok != wantOK || !reflect.DeepEqual(got, want) {
			t.Errorf("parked %s: got %+v %v, error %v, want %+v %v", id, got, ok, err, want, wantOK)
		}
	}

	expect("before any is set", time.Hour)
	third, first, second, later := deadline(2*time.Millisecond), deadline(0), deadline(time.Millisecond), deadline(time.Hour)
	second.CausationID, second.CorrelationID, second.Trace = "", "", ""
	for _, d := range []projection.Deadline{third, first, second, later} {
		set(d)
	}
	expect("a millisecond before the first", -time.Millisecond)
	expect("at the moment of the first", 0, first)
	expect("before the last", time.Hour-time.Millisecond, first, second, third)
	expect("at the end", time.Hour, first, second, third, later)

	clear(second)
	expect("one cleared", time.Hour, first, third, later)

	decided := third
	decided.Decided = 9
	set(decided)
	set(third)
	expect("one decided, and set again", time.Hour, first, decided, later)
	third = decided
	nameless := deadline(3 * time.Millisecond)
	nameless.Name, nameless.Effect = "", 2
	set(nameless)
	expect("one without a name", time.Hour, first, third, nameless, later)
	clear(nameless)

	moved := first
	moved.At = deadline(4 * time.Millisecond).At
	set(moved)
	expect("the first for another time as well", time.Hour, first, third, moved, later)
	clear(moved)

	parked := first
	parked.Parked = true
	expectParked(first.ID, projection.Deadline{}, false)
	set(parked)
	expect("one parked as well", time.Hour, first, third, later)
	expectParked(first.ID, parked, true)
	clear(first)
	expect("the parked one's other cleared", 1000*time.Hour, third, later)
	expectParked(first.ID, parked, true)
	clear(parked)
	expectParked(first.ID, projection.Deadline{}, false)

	elsewhere := deadline(0)
	for elsewhere.ID = "x"; projection.DeadlineShard(elsewhere.ID) == shard; elsewhere.ID += "x" {
	}
	set(elsewhere)
	expect("one in another shard", time.Hour, third, later)
}
