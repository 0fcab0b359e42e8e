package dynamo_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
	"github.com/interview-sandbox/annals/internal/stats/statstest"
	"github.com/interview-sandbox/annals/localstack/tables"
)

type row struct {
	Names []string  `json:"names"`
	At    time.Time `json:"at"`
}

// names is a view whose rows tell every event that was applied, in order.
var names = projection.View[row]{Name: "names", Category: "user", Apply: func(r row, e es.Recorded) row {
	r.Names = append(r.Names[:len(r.Names):len(r.Names)], fmt.Sprintf("%d %s", e.Version, e.Event.(events.UserNameChanged).New))
	r.At = e.At
	return r
}}

func rows() *dynamo.Rows { return &dynamo.Rows{Client: client(), Table: "annals-views"} }

func now() time.Time { return estest.Now }

func projector(s es.Store) *projection.Projector {
	return &projection.Projector{
		Store: s, Rows: rows(), Now: now,
		Parked:      &dynamo.Parked{Client: client(), Table: "annals-parked"},
		Generations: &dynamo.Generations{Client: client(), Table: "annals-views"},
		Projections: []projection.Projection{&names},
	}
}

func views(s es.Store) *projection.Reader {
	return &projection.Reader{Store: s, Rows: rows(), Now: now, Generations: &dynamo.Generations{Client: client(), Table: "annals-views"}}
}

func TestTablesKeepTheContractsOfProjections(t *testing.T) {
	const prefix = "annals-contracts"
	if err := tables.Create(t.Context(), client(), prefix); err != nil {
		t.Fatal(err)
	}
	projectiontest.RowsContract(t, &dynamo.Rows{Client: client(), Table: prefix + "-views"})
	projectiontest.StoredContract(t, &dynamo.Rows{Client: client(), Table: prefix + "-views"})
	projectiontest.ParkedContract(t, &dynamo.Parked{Client: client(), Table: prefix + "-parked"})
	projectiontest.GenerationsContract(t, &dynamo.Generations{Client: client(), Table: prefix + "-views"})
	projectiontest.PartsContract(t, &dynamo.Parts{Client: client(), Table: prefix + "-views"})
	projectiontest.PurgeContract(t, &dynamo.Rows{Client: client(), Table: prefix + "-views"}, &dynamo.Parts{Client: client(), Table: prefix + "-views"})
	projectiontest.DeadlinesContract(t, &dynamo.Deadlines{Client: client(), Table: prefix + "-deadlines"})
}

func TestTheTableOfSumsKeepsItsContract(t *testing.T) {
	statstest.StoreContract(t, &dynamo.Stats{Client: client(), Table: "annals-stats"})
}

// history stores a stream of commits with two events each.
func history(t *testing.T, s es.Store, stream es.Stream, commits int) (all []es.Commit, clean row) {
	t.Helper()
	tip := es.StartOf(stream)
	for i := range commits {
		p, err := tip.Next(es.Meta{CommandID: fmt.Sprint(i)}, estest.Now.Add(time.Duration(i)*time.Second),
			events.UserNameChanged{New: fmt.Sprintf("a%d", i)}, events.UserNameChanged{New: fmt.Sprintf("b%d", i)})
		if err == nil {
			err = s.Append(t.Context(), p)
		}
		if err == nil {
			tip, err = tip.Follow(p.Commit())
		}
		if err != nil {
			t.Fatal(err)
		}
		recorded, err := p.Commit().Recorded()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recorded {
			clean = names.Apply(clean, r)
		}
		all = append(all, p.Commit())
	}
	return all, clean
}

func TestAViewConvergesFromAnyOrderRepetitionAndOmissionOfCommits(t *testing.T) {
	const seed = 20260102
	random := rand.New(rand.NewPCG(seed, 0))
	s := store()
	for trial := range 30 {
		id := fmt.Sprintf("trial-%d", trial)
		commits, clean := history(t, s, es.NewStream("user", id), 6)
		last := commits[len(commits)-1]
		// Whatever else comes or does not come, the last commit does at some time.
		deliveries := [][]es.Commit{{last}}
		for range random.IntN(8) {
			batch := make([]es.Commit, 1+random.IntN(4))
			for i := range batch {
				batch[i] = commits[random.IntN(len(commits))]
			}
			deliveries = append(deliveries, batch)
		}
		random.Shuffle(len(deliveries), func(i, j int) { deliveries[i], deliveries[j] = deliveries[j], deliveries[i] })
		p := projector(s)
		for _, batch := range deliveries {
			if failed := p.Project(t.Context(), batch); len(failed) > 0 {
				t.Fatalf("seed %d trial %d: %v", seed, trial, failed)
			}
		}
		got, version, _, err := names.Get(t.Context(), views(s), id, es.Moment{})
		if err != nil || version != last.Last() || !reflect.DeepEqual(got, clean) {
			t.Fatalf("seed %d trial %d: version %d, error %v\ngot  %+v\nwant %+v", seed, trial, version, err, got, clean)
		}
	}
}

func TestTwoProjectorsOfOneStreamDoNotOverwriteEachOther(t *testing.T) {
	s := store()
	commits, clean := history(t, s, "user#contended", 20)
	done := make(chan map[int]error)
	for worker := range 2 {
		go func() {
			p := projector(s)
			failed := map[int]error{}
			for i := range commits {
				if i%2 == worker {
					for _, err := range p.Project(t.Context(), commits[i:i+1]) {
						failed[i] = err
					}
				}
			}
			done <- failed
		}()
	}
	for range 2 {
		if failed := <-done; len(failed) > 0 {
			t.Error(failed)
		}
	}
	var got row
	stored, err := rows().Load(t.Context(), projection.Key{View: "names", Generation: 1, ID: "contended"}, &got, true)
	if err != nil || stored.Version != 40 || !reflect.DeepEqual(got, clean) {
		t.Errorf("%+v, error %v, row %+v, want %+v", stored, err, got, clean)
	}
}

func TestAReadIsNeverOlderThanAskedThoughTheProjectorStandsStill(t *testing.T) {
	s := store()
	_, clean := history(t, s, "user#lagging", 3)
	for _, m := range []es.Moment{{}, {AtLeast: 1}, {AtLeast: 6}} {
		got, version, ok, err := names.Get(t.Context(), views(s), "lagging", m)
		if err != nil || !ok || version != 6 || !reflect.DeepEqual(got, clean) {
			t.Errorf("%+v: got version %d, %v, error %v, row %+v", m, version, ok, err, got)
		}
	}
}

func TestTimeTravelGivesTheRowAsItWas(t *testing.T) {
	s := store()
	history(t, s, "user#traveler", 3) // versions 1 and 2 at 0 s, 3 and 4 at 1 s, 5 and 6 at 2 s
	for _, c := range []struct {
		moment  es.Moment
		version es.Version // 0: nothing
	}{
		{es.Moment{Version: 1}, 1},
		{es.Moment{Version: 3}, 3},
		{es.Moment{Version: 6}, 6},
		{es.Moment{Version: 7}, 0},
		{es.Moment{At: estest.Now.Add(-time.Millisecond)}, 0},
		{es.Moment{At: estest.Now}, 2},
		{es.Moment{At: estest.Now.Add(1999 * time.Millisecond)}, 4},
		{es.Moment{At: estest.Now.Add(time.Hour)}, 6},
	} {
		got, version, ok, err := names.Get(t.Context(), views(s), "traveler", c.moment)
		if err != nil || ok != (c.version > 0) || ok && (version != c.version || len(got.Names) != int(c.version)) {
			t.Errorf("%+v: got version %d, %v, error %v, row %+v; want version %d", c.moment, version, ok, err, got, c.version)
		}
	}
}

func TestHistoryPagesBothWaysWithoutSkippingOrRepeatingAnEvent(t *testing.T) {
	s := store()
	history(t, s, "user#paged", 5) // ten events, two in each commit
	for limit := 1; limit <= 11; limit++ {
		for _, backward := range []bool{false, true} {
			var seen []es.Version
			for from, first := (*es.Cursor)(nil), true; first || from != nil; first = false {
				page, next, err := es.History(t.Context(), s, "user#paged", from, limit, backward)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) > limit || next != nil && len(page) < limit {
					t.Fatalf("limit %d: a page of %d events, next %v", limit, len(page), next)
				}
				for _, e := range page {
					seen = append(seen, e.Version)
				}
				from = next
			}
			if backward {
				slices.Reverse(seen)
			}
			if !slices.Equal(seen, []es.Version{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
				t.Errorf("limit %d, backward %v: versions %v", limit, backward, seen)
			}
		}
	}
}

func TestHistoryTurnsAroundAtAnyPlace(t *testing.T) {
	s := store()
	history(t, s, "user#turning", 4)
	for limit := 1; limit < 8; limit++ {
		there, place, err := es.History(t.Context(), s, "user#turning", nil, limit, false)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := es.History(t.Context(), s, "user#turning", place, limit, true)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(back)
		if !reflect.DeepEqual(there, back) {
			t.Errorf("limit %d: there %v, back %v", limit, there, back)
		}
	}
}

func TestARowThatTheTableDoesNotTakeIsUnfit(t *testing.T) {
	rows := &dynamo.Rows{Client: client(), Table: "annals-views"}
	deep := any("x")
	for range 40 { // DynamoDB nests up to 32 levels
		deep = []any{deep}
	}
	c := projection.Change{Key: projection.Key{View: "unfit", Generation: 1, ID: "1"}, Now: projection.Row{Version: 1}, Data: deep}
	if err := rows.Save(t.Context(), c); !errors.Is(err, projection.ErrUnfit) {
		t.Errorf("alone: %v", err)
	}
	c.Totals = []projection.Delta{{Key: projection.Key{View: "unfit", Generation: 1, ID: "total"}, Add: map[string]int64{"n": 1}}}
	if err := rows.Save(t.Context(), c); !errors.Is(err, projection.ErrUnfit) {
		t.Errorf("with a total: %v", err)
	}
	if refused, err := rows.Insert(t.Context(), []projection.Change{c}); err != nil || len(refused) != 1 {
		t.Errorf("inserted: refused %v, error %v", refused, err)
	}
	var got string
	if _, err := rows.Load(t.Context(), c.Key, &got, true); err != nil {
		t.Errorf("something was stored: %v", err)
	}
	c.Data, c.Totals = map[string]int{"a": 1}, nil
	if err := rows.Save(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if row, err := rows.Load(t.Context(), c.Key, &got, true); !errors.Is(err, projection.ErrShape) || row.Version != 1 {
		t.Errorf("read as another type: %+v, error %v", row, err)
	}
}

func TestAPlaceThatNoKeyCanHaveIsRefused(t *testing.T) {
	encoded := func(n int) string { return base64.RawURLEncoding.EncodeToString(make([]byte, n)) }
	for _, after := range []string{".", "x", encoded(1) + ".", encoded(1) + "." + encoded(1025), encoded(2049) + "." + encoded(1)} {
		_, err := rows().List(t.Context(), projection.Listing{View: "names", Generation: 1, Partition: "p", After: after, Limit: 1}, nil)
		if !errors.Is(err, projection.ErrPlace) {
			t.Errorf("a place of %d bytes: error %v", len(after), err)
		}
	}
}

func TestAPlaceAmongWhatIsParkedThatNoKeyCanHaveIsRefused(t *testing.T) {
	parked := &dynamo.Parked{Client: client(), Table: "annals-parked"}
	for _, after := range []string{"names.1", " user#1", "names.1 ", "names.1 " + strings.Repeat("a", 1025), strings.Repeat("a", 2049) + " user#1"} {
		if _, _, err := parked.ListParked(t.Context(), after, 1); !errors.Is(err, projection.ErrPlace) {
			t.Errorf("a place of %d bytes: error %v", len(after), err)
		}
	}
}

// DynamoDB takes no place to go on from that the condition of the query excludes.
func TestAPlaceOfAListWithAnotherPrefixIsRefused(t *testing.T) {
	place := func(row, sort string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(row)) + "." + base64.RawURLEncoding.EncodeToString([]byte(sort))
	}
	q := projection.Listing{View: "names", Generation: 1, Partition: "p", Prefix: "ad", After: place("names.1#1", "bob"), Limit: 1}
	if _, err := rows().List(t.Context(), q, nil); !errors.Is(err, projection.ErrPlace) {
		t.Errorf("bob in a list of those with ad: error %v", err)
	}
	q.After = place("names.1#1", "ada")
	if next, err := rows().List(t.Context(), q, nil); err != nil || next != "" {
		t.Errorf("ada in a list of those with ad: next %q, error %v", next, err)
	}
}

// A query of an index reads on while rows change their places, so it may come by one twice.
func TestARowThatAnIndexGivesTwiceIsListedOnce(t *testing.T) {
	twice := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if page, ok := out.Result.(*dynamodb.QueryOutput); ok {
			page.Items = append(page.Items, page.Items...)
		}
		return out, metadata, err
	}
	r := &dynamo.Rows{Table: "annals-views", Client: client(func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("twice", twice), middleware.After)
		})
	})}
	c := projection.Change{
		Key: projection.Key{View: "twice", Generation: 1, ID: "1"}, Now: projection.Row{Version: 1}, Data: row{Names: []string{"a"}},
		Places: [projection.Lists]projection.Place{{Partition: "p", Sort: "a"}},
	}
	if err := r.Save(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	listed := 0
	_, err := r.List(t.Context(), projection.Listing{View: "twice", Generation: 1, Partition: "p", Limit: 5}, func(func(any) error) error {
		listed++
		return nil
	})
	if err != nil || listed != 1 {
		t.Errorf("listed %d times, error %v", listed, err)
	}
}

func TestWhatIsParkedIsCountedHoweverLargeItIs(t *testing.T) {
	const prefix = "annals-counted"
	if err := tables.Create(t.Context(), client(), prefix); err != nil {
		t.Fatal(err)
	}
	parked := &dynamo.Parked{Client: client(), Table: prefix + "-parked"}
	for want := range 6 {
		if n, err := parked.Count(t.Context()); err != nil || n != want {
			t.Fatalf("counted %d of %d, error %v", n, want, err)
		}
		e := projection.Parked{View: "users", Generation: 1 + want%2, Stream: es.NewStream("user", fmt.Sprint(want)), Version: 1, Error: strings.Repeat("x", 390_000), Attempts: 1, FirstAt: estest.Now, LastAt: estest.Now}
		if err := parked.Park(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}
