package es_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// counting counts the commits that are read.
type counting struct {
	es.Store
	commits int
}

func (c *counting) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for commit, err := range c.Store.Read(ctx, s, r) {
			c.commits++
			if !yield(commit, err) {
				return
			}
		}
	}
}

// grown is a stream of so many commits, each of one name, and the snapshot made after
// snapshotAt of them (0: none).
func grown(t *testing.T, commits, snapshotAt int) (*estest.Memory, *estest.Snapshots) {
	t.Helper()
	store, snapshots := new(estest.Memory), new(estest.Snapshots)
	x := executor(store)
	x.Cache = es.NewCache(1 << 20)
	for i := 1; i <= commits; i++ {
		if _, err := x.Execute(t.Context(), as(fmt.Sprint(i)), nil, estest.Plain.On("1", estest.Give(fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
		if i == snapshotAt {
			due := estest.Plain
			due.SnapshotEvery = i
			err := due.Snapshotter(&es.Repository{Store: store, Snapshots: snapshots}).Snapshot(t.Context(), "user#1", all(t, store))
			if err != nil {
				t.Fatal(err)
			}
			if s, ok, _ := snapshots.Load(t.Context(), "user#1"); !ok || s.Version != es.Version(i) {
				t.Fatalf("no snapshot at version %d: %+v", i, s)
			}
		}
	}
	return store, snapshots
}

func all(t *testing.T, s es.Store) (commits []es.Commit) {
	t.Helper()
	for c, err := range s.Read(t.Context(), "user#1", es.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	return commits
}

func TestASnapshotChangesWhatALoadReadsAndNothingElse(t *testing.T) {
	for _, c := range []struct{ commits, snapshotAt, read int }{
		{1, 0, 1}, {11, 0, 11}, {12, 0, 12}, {12, 12, 12}, {13, 0, 13}, {13, 12, 12}, {40, 0, 40},
		{40, 36, 12}, {40, 40, 12}, {40, 28, 12}, {40, 27, 13}, {40, 1, 39}, {500, 492, 12}, {500, 400, 100},
	} {
		store, snapshots := grown(t, c.commits, c.snapshotAt)
		want, err := estest.Plain.Load(t.Context(), &es.Repository{Store: store}, "1")
		if err != nil {
			t.Fatal(err)
		}
		reads := &counting{Store: store}
		got, err := estest.Plain.Load(t.Context(), &es.Repository{Store: reads, Snapshots: snapshots}, "1")
		if err != nil || !reflect.DeepEqual(got.State, want.State) || got.Tip != want.Tip {
			t.Errorf("%+v: got %+v, error %v, want %+v", c, got, err, want)
		}
		if reads.commits != c.read {
			t.Errorf("%+v: %d commits were read", c, reads.commits)
		}
	}
}

func TestARepeatIsKnownThroughASnapshot(t *testing.T) {
	store, snapshots := grown(t, 200, 192)
	x := executor(store)
	x.Snapshots = snapshots
	for _, command := range []int{1, 50, 191, 192, 193, 200} {
		got, err := x.Execute(t.Context(), as(fmt.Sprint(command)), nil, estest.Plain.On("1", estest.Give("other")))
		if err != nil || got != (es.Result{Stream: "user#1", Version: es.Version(command), Replay: true}) {
			t.Errorf("command %d: got %+v, error %v", command, got, err)
		}
	}
	reused := es.Meta{CommandID: "50", Fingerprint: []byte("another request")}
	if _, err := x.Execute(t.Context(), reused, nil, estest.Plain.On("1", estest.Give("other"))); !errors.Is(err, es.ErrKeyReused) {
		t.Errorf("a reused id: got %v", err)
	}
}

func TestTheLast200CommandsAreRememberedAndOlderOnesMayBeForgotten(t *testing.T) {
	store, snapshots := grown(t, 450, 448)
	x := executor(store)
	x.Snapshots = snapshots
	for _, command := range []int{251, 300, 400, 401, 448, 449, 450} {
		if got, err := x.Execute(t.Context(), as(fmt.Sprint(command)), nil, estest.Plain.On("1", estest.Give("other"))); err != nil || !got.Replay {
			t.Errorf("command %d: got %+v, error %v", command, got, err)
		}
	}
}

// forge gives a snapshot another state, with the hash to it.
func forge(s *es.Snapshot) {
	s.State = []byte(`["forged"]`)
	s.Hash = s.ComputeHash()
}

func TestASnapshotThatCannotBeReliedOnIsIgnored(t *testing.T) {
	for name, spoil := range map[string]func(*es.Snapshot){
		"a later reducer":           func(s *es.Snapshot) { s.Reducer++; forge(s) },
		"an earlier reducer":        func(s *es.Snapshot) { s.Reducer--; forge(s) },
		"a state of another shape":  func(s *es.Snapshot) { s.Shape++; forge(s) },
		"a state that was changed":  func(s *es.Snapshot) { s.State = []byte(`["forged"]`) },
		"recent commands changed":   func(s *es.Snapshot) { s.Recent[0]++ },
		"a version that was raised": func(s *es.Snapshot) { s.Version++ },
		"a state that is no JSON":   func(s *es.Snapshot) { s.State = []byte(`[`); s.Hash = s.ComputeHash() },
		"recent commands cut off":   func(s *es.Snapshot) { s.Recent = s.Recent[:len(s.Recent)-1]; s.Hash = s.ComputeHash() },
		"ahead of the stream":       func(s *es.Snapshot) { s.Version = 99; s.Hash = s.ComputeHash() },
		"of another past":           func(s *es.Snapshot) { s.Tip[0]++; s.State = []byte(`["gone"]`); s.Hash = s.ComputeHash() },
		"another stream's":          func(s *es.Snapshot) { s.Stream = "user#2"; forge(s) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []int{40, 32, 8} { // at the end, within what a load reads first, and before it
				store, snapshots := grown(t, 40, at)
				s, _, err := snapshots.Load(t.Context(), "user#1")
				if err != nil {
					t.Fatal(err)
				}
				spoil(&s)
				spoiled := new(estest.Snapshots)
				spoiled.Put("user#1", s)
				got, err := estest.Plain.Load(t.Context(), &es.Repository{Store: store, Snapshots: spoiled}, "1")
				if err != nil || len(got.State) != 40 || got.State[0] != "1" || got.State[39] != "40" {
					t.Errorf("got %v, error %v", got.State, err)
				}
			}
		})
	}
}

func TestASnapshotOfAPastThatIsGoneIsReplaced(t *testing.T) {
	store, _ := grown(t, 48, 0)
	_, later := grown(t, 100, 96)
	r := &es.Repository{Store: store, Snapshots: later}
	if err := estest.Plain.Snapshotter(r).Snapshot(t.Context(), "user#1", all(t, store)); err != nil {
		t.Fatal(err)
	}
	if s, ok, err := later.Load(t.Context(), "user#1"); !ok || s.Version != 48 || err != nil {
		t.Errorf("there is one at version %d: %v %v", s.Version, ok, err)
	}
}

func TestASnapshotIsDueWhenACommitPassesAMultipleOfThePolicy(t *testing.T) {
	for _, c := range []struct {
		first es.Version
		count int
		due   bool
	}{{1, 9, false}, {1, 10, true}, {10, 1, true}, {9, 3, true}, {11, 9, false}, {11, 10, true}, {19, 1, false}, {15, 20, true}} {
		snapshots := new(estest.Snapshots)
		policy := estest.Plain
		policy.SnapshotEvery = 10
		store := new(estest.Memory)
		if c.first > 1 {
			appendNames(t, store, "before", int(c.first)-1)
		}
		appendNames(t, store, "now", c.count)
		commits := all(t, store)
		if err := policy.Snapshotter(&es.Repository{Store: store, Snapshots: snapshots}).Snapshot(t.Context(), "user#1", commits[len(commits)-1:]); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := snapshots.Load(t.Context(), "user#1"); ok != c.due {
			t.Errorf("versions %d to %d: %v", c.first, int(c.first)+c.count-1, ok)
		}
	}
}

// appendNames appends one commit of so many events.
func appendNames(t *testing.T, store *estest.Memory, command string, n int) {
	t.Helper()
	if _, err := executor(store).Execute(t.Context(), as(command), nil, estest.Plain.On("1", several(n))); err != nil {
		t.Fatal(err)
	}
}

// several is a command that gives so many names.
type several int

func (n several) Decide(estest.Names, time.Time) (all []events.Auth, err error) {
	for i := range n {
		all = append(all, events.UserNameChanged{New: fmt.Sprint(i)})
	}
	return all, nil
}

type (
	inner  struct{ A, B int }
	before struct {
		Name string
		List []inner
		By   map[string]inner
		hid  int
	}
	renamed struct {
		Name string `json:"name"`
		List []inner
		By   map[string]inner
	}
	retyped struct {
		Name int
		List []inner
		By   map[string]inner
	}
	deeper struct {
		Name string
		List []struct{ A, C int }
		By   map[string]inner
	}
	same struct {
		Name string
		List []inner
		By   map[string]inner
	}
)

func TestTheShapeOfAStateChangesWithWhatItsJSONDependsOn(t *testing.T) {
	_ = before{}.hid
	is := es.ShapeOf[before]()
	if es.ShapeOf[same]() != is {
		t.Error("it depends on a name or a field that JSON does not have")
	}
	for name, other := range map[string]uint32{"renamed": es.ShapeOf[renamed](), "retyped": es.ShapeOf[retyped](), "deeper": es.ShapeOf[deeper]()} {
		if other == is {
			t.Errorf("%s: the same shape", name)
		}
	}
}

func TestTheCacheSparesReadsAndIsNeverTakenForTheTruth(t *testing.T) {
	store, _ := grown(t, 20, 0)
	reads := &counting{Store: store}
	warm, other := executor(reads), executor(store)
	warm.Cache = es.NewCache(1 << 20)
	run := func(x *es.Executor, command, name string, expect *es.Version) (es.Result, error) {
		return x.Execute(t.Context(), as(command), expect, estest.Plain.On("1", estest.Give(name)))
	}
	if _, err := run(warm, "a", "a", nil); err != nil {
		t.Fatal(err)
	}
	reads.commits = 0
	if got, err := run(warm, "b", "b", nil); err != nil || got.Version != 22 || reads.commits != 0 {
		t.Errorf("warm: got %+v after reading %d commits, error %v", got, reads.commits, err)
	}
	if _, err := run(other, "c", "c", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := run(warm, "d", "c", nil); err != nil || got.Version != 23 {
		t.Errorf("nothing to do on what is there now: got %+v, error %v", got, err)
	}
	if _, err := run(other, "e", "e", nil); err != nil {
		t.Fatal(err)
	}
	if got, err := run(warm, "f", "c", nil); err != nil || got.Version != 25 {
		t.Errorf("something to do on what is there now: got %+v, error %v", got, err)
	}
	if _, err := run(other, "g", "g", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := run(warm, "h", "h", version(25)); !errors.Is(err, es.ErrStale) {
		t.Errorf("expecting the cached version: got %v", err)
	}
	if got, err := run(warm, "i", "i", version(26)); err != nil || got.Version != 27 {
		t.Errorf("expecting the present version: got %+v, error %v", got, err)
	}
	names := namesOf(t, store, "1")
	if want := "19 20 a b c e c g i]"; len(names) < len(want) || names[len(names)-len(want):] != want {
		t.Errorf("names %s", names)
	}
}

func TestACacheKeepsToItsSizeAndForgetsWhatWasNotUsed(t *testing.T) {
	store := new(estest.Memory)
	reads := &counting{Store: store}
	x := executor(reads)
	x.Cache = es.NewCache(20 << 10) // some ten small aggregates
	give := func(id int, name string) {
		t.Helper()
		if _, err := x.Execute(t.Context(), as(fmt.Sprint(id, name)), nil, estest.Plain.On(fmt.Sprint(id), estest.Give(name))); err != nil {
			t.Fatal(err)
		}
	}
	for id := range 100 {
		give(id, "first")
		give(0, fmt.Sprint("busy ", id))
	}
	reads.commits = 0
	give(0, "still there")
	if reads.commits != 0 {
		t.Errorf("the busiest aggregate was forgotten: %d commits read", reads.commits)
	}
	for id := 1; id < 50; id++ {
		give(id, "second")
	}
	if reads.commits != 49 {
		t.Errorf("%d of 49 idle aggregates were read again", reads.commits)
	}
}

// latest is a state that does not grow: the last name.
type latest struct{ Name string }

// Evolve implements [es.State].
func (l latest) Evolve(e events.Auth) latest {
	if e, ok := e.(events.UserNameChanged); ok {
		l.Name = e.New
	}
	return l
}

// name is a command that gives a name.
type name string

func (n name) Decide(latest, time.Time) ([]events.Auth, error) {
	return []events.Auth{events.UserNameChanged{New: string(n)}}, nil
}

// remembering is aggregates behind a cache of so many bytes, each with names of any length.
type remembering struct {
	t     *testing.T
	reads *counting
	x     *es.Executor
	n     int
}

func newRemembering(t *testing.T, bytes int) *remembering {
	reads := &counting{Store: new(estest.Memory)}
	x := executor(reads)
	x.Cache = es.NewCache(bytes)
	return &remembering{t: t, reads: reads, x: x}
}

var latests = es.Aggregate[latest, events.Auth]{Category: "user", Reducer: 1}

func (r *remembering) give(id string, bytes int) {
	r.t.Helper()
	r.n++
	if _, err := r.x.Execute(r.t.Context(), as(fmt.Sprint(r.n)), nil, latests.On(id, name(strings.Repeat("x", bytes)))); err != nil {
		r.t.Fatal(err)
	}
}

// knows reports whether a command finds the aggregate without a read.
func (r *remembering) knows(id string) bool {
	r.t.Helper()
	r.reads.commits = 0
	r.give(id, 1)
	return r.reads.commits == 0
}

func TestACacheCountsWhatItHoldsAndNothingElse(t *testing.T) {
	t.Run("another state in the place of one takes no more room", func(t *testing.T) {
		r := newRemembering(t, 8<<10)
		r.give("quiet", 1)
		for range 30 {
			r.give("busy", 1000)
		}
		if !r.knows("quiet") {
			t.Error("the quiet one was forgotten for nothing")
		}
	})
	t.Run("a state that has grown takes the room of others", func(t *testing.T) {
		r := newRemembering(t, 8<<10)
		r.give("grows", 1)
		r.give("quiet", 1)
		r.give("other", 1)
		r.give("grows", 3600)
		if !r.knows("grows") {
			t.Error("the one that was used last was forgotten")
		}
		if r.knows("quiet") {
			t.Error("there is room for the quiet one beside one that has grown")
		}
	})
	t.Run("what is forgotten leaves its room", func(t *testing.T) {
		r := newRemembering(t, 8<<10) // for eight to twelve small ones
		for i := range 100 {
			r.give(fmt.Sprint(i), 1)
		}
		for i := 99; i > 93; i-- {
			if !r.knows(fmt.Sprint(i)) {
				t.Errorf("the one used %d before the last was forgotten", 99-i)
			}
		}
	})
	t.Run("one that does not fit is not kept", func(t *testing.T) {
		r := newRemembering(t, 8<<10)
		r.give("small", 1)
		r.give("huge", 8<<10)
		if r.knows("huge") {
			t.Error("it was")
		}
	})
}

// between calls do before the last commit of a read is given.
type between struct {
	es.Store
	do func()
}

func (b *between) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for c, err := range b.Store.Read(ctx, s, r) {
			if do := b.do; do != nil {
				b.do = nil
				do()
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func TestACacheKeepsTheLaterOfTwoStates(t *testing.T) {
	r := newRemembering(t, 8<<10)
	r.give("1", 1)
	r.x.Cache = es.NewCache(8 << 10)
	slow := executor(&between{Store: r.reads.Store, do: func() { r.give("1", 2); r.give("1", 3) }})
	slow.Cache = r.x.Cache
	if _, err := latests.Load(t.Context(), &slow.Repository, "1"); err != nil {
		t.Fatal(err)
	}
	if !r.knows("1") {
		t.Error("a slow load has replaced what a later command had left")
	}
}

func TestACheckOfASnapshotSaysWhatIsNotAsFolded(t *testing.T) {
	store, snapshots := grown(t, 40, 32)
	whole, _, err := snapshots.Load(t.Context(), "user#1")
	if err != nil {
		t.Fatal(err)
	}
	check := estest.Plain.Snapshotter(&es.Repository{Store: store}).Check
	for name, c := range map[string]struct {
		spoil func(*es.Snapshot)
		fault string
	}{
		"nothing":                {func(*es.Snapshot) {}, ""},
		"another reducer":        {func(s *es.Snapshot) { s.Reducer++; forge(s) }, ""},
		"another shape":          {func(s *es.Snapshot) { s.Shape++; forge(s) }, ""},
		"a forged state":         {forge, "its state is not as folded"},
		"a version of no commit": {func(s *es.Snapshot) { s.Version = 99; s.Hash = s.ComputeHash() }, "it is of no commit of its stream"},
		"another commit":         {func(s *es.Snapshot) { s.Tip[0]++; s.Hash = s.ComputeHash() }, "it is of no commit of its stream"},
		"forged commands":        {func(s *es.Snapshot) { s.Recent[0]++; s.Hash = s.ComputeHash() }, "its commands are not those of its stream"},
		"damage":                 {func(s *es.Snapshot) { s.Version++ }, "it does not fit its hash"},
	} {
		s := whole
		s.Recent = bytes.Clone(whole.Recent)
		c.spoil(&s)
		if fault, err := check(t.Context(), s); err != nil || fault != c.fault {
			t.Errorf("%s: %q, error %v, want %q", name, fault, err, c.fault)
		}
	}
}
