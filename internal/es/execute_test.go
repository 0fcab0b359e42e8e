package es_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

func executor(s es.Store) *es.Executor {
	return &es.Executor{Repository: es.Repository{Store: s}, Now: func() time.Time { return estest.Now }}
}

func as(command string) es.Meta {
	fingerprint := sha256.Sum256([]byte(command))
	return es.Meta{CommandID: command, Fingerprint: fingerprint[:16]}
}

func version(v es.Version) *es.Version { return &v }

func namesOf(t *testing.T, s es.Store, id string) string {
	t.Helper()
	f, err := estest.Plain.Load(t.Context(), &es.Repository{Store: s}, id)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint([]string(f.State))
}

func TestACommandIsCarriedOutAndGivesTheVersionThatItMade(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	for i, name := range []estest.Give{"a", "b", "c"} {
		got, err := x.Execute(t.Context(), as(string(name)), nil, estest.Plain.On("1", name))
		if err != nil || got != (es.Result{Stream: "user#1", Version: es.Version(i + 1)}) {
			t.Errorf("got %+v, error %v", got, err)
		}
	}
	if got := namesOf(t, s, "1"); got != "[a b c]" {
		t.Errorf("names %s", got)
	}
}

func TestACommandThatChangesNothingStoresNothing(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	x.Execute(t.Context(), as("1"), nil, estest.Plain.On("1", estest.Give("a")))
	got, err := x.Execute(t.Context(), as("2"), nil, estest.Plain.On("1", estest.Give("a")))
	if err != nil || got.Version != 1 || namesOf(t, s, "1") != "[a]" {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestARefusalIsReturnedAndStoresNothing(t *testing.T) {
	s := new(estest.Memory)
	for _, step := range []es.Step{estest.Plain.On("1", estest.Give("forbidden")), estest.Plain.New("1", estest.Give("forbidden"))} {
		if _, err := executor(s).Execute(t.Context(), as("1"), nil, step); !errors.Is(err, estest.ErrForbidden) {
			t.Errorf("got %v", err)
		}
	}
	if got := namesOf(t, s, "1"); got != "[]" {
		t.Errorf("names %s", got)
	}
}

func TestARepeatGivesTheFirstResult(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	x.Execute(t.Context(), as("first"), nil, estest.Plain.New("1", estest.Give("a")))
	x.Execute(t.Context(), as("second"), nil, estest.Plain.On("1", estest.Give("b")))
	x.Now = func() time.Time { return estest.Now.Add(time.Second) }
	for name, step := range map[string]es.Step{"a creation": estest.Plain.New("1", estest.Give("a")), "a change": estest.Plain.On("1", estest.Give("a"))} {
		got, err := x.Execute(t.Context(), as("first"), version(0), step)
		if err != nil || got != (es.Result{Stream: "user#1", Version: 1, Replay: true}) {
			t.Errorf("%s after others have written: got %+v, error %v", name, got, err)
		}
	}
	reused := es.Meta{CommandID: "first", Fingerprint: []byte("another request")}
	if _, err := x.Execute(t.Context(), reused, nil, estest.Plain.On("1", estest.Give("c"))); !errors.Is(err, es.ErrKeyReused) {
		t.Errorf("the same id for another request: got %v", err)
	}
	if got := namesOf(t, s, "1"); got != "[a b]" {
		t.Errorf("names %s", got)
	}
}

func TestAnUnknownOutcomeIsFoundOutAndTheCommandTakesEffectOnce(t *testing.T) {
	for name, step := range map[string]es.Step{"one stream": estest.Plain.New("1", estest.Give("a")), "several streams": estest.Unique.New("1", estest.Give("a"))} {
		for fault, faults := range map[string][]estest.Fault{
			"failed before":       {estest.Before},
			"lost reply":          {estest.LostReply},
			"one after the other": {estest.Before, estest.LostReply},
		} {
			s := new(estest.Memory)
			s.Fail(faults...)
			got, err := executor(s).Execute(t.Context(), as("1"), nil, step)
			if err != nil || got != (es.Result{Stream: "user#1", Version: 1}) || namesOf(t, s, "1") != "[a]" {
				t.Errorf("%s, %s: got %+v, error %v, names %s", name, fault, got, err, namesOf(t, s, "1"))
			}
		}
	}
}

func TestAnOutcomeThatStaysUnknownIsSaidToBe(t *testing.T) {
	s := new(estest.Memory)
	s.Fail(estest.Before, estest.Before, estest.Before)
	if _, err := executor(s).Execute(t.Context(), as("1"), nil, estest.Plain.New("1", estest.Give("a"))); !errors.Is(err, es.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, es.ErrUnavailable)
	}
}

func TestAnExpectedVersionIsComparedBeforeAnyRule(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	x.Execute(t.Context(), as("1"), nil, estest.Plain.On("1", estest.Give("a")))
	for _, wrong := range []es.Version{0, 2} {
		if _, err := x.Execute(t.Context(), as("2"), &wrong, estest.Plain.On("1", estest.Give("forbidden"))); !errors.Is(err, es.ErrStale) {
			t.Errorf("version %d: got %v", wrong, err)
		}
	}
	if _, err := x.Execute(t.Context(), as("3"), version(1), estest.Plain.On("1", estest.Give("b"))); err != nil {
		t.Error(err)
	}
}

// hidden is a command by somebody for whom there is no such thing.
type hidden struct{}

func (hidden) Decide(estest.Names, time.Time) ([]events.Auth, error) {
	return nil, &es.Error{Kind: es.NotFound, Code: "not-found"}
}

func TestAnExpectedVersionDoesNotTellWhetherThereIsSomething(t *testing.T) {
	x := executor(new(estest.Memory))
	x.Execute(t.Context(), as("1"), nil, estest.Plain.On("1", estest.Give("a")))
	for _, id := range []string{"1", "2"} {
		for _, guess := range []es.Version{0, 1, 2} {
			var refusal *es.Error
			if _, err := x.Execute(t.Context(), as("2"), &guess, estest.Plain.On(id, hidden{})); !errors.As(err, &refusal) || refusal.Kind != es.NotFound {
				t.Errorf("stream %s, version %d: got %v", id, guess, err)
			}
		}
	}
}

func TestParallelCommandsOnOneStreamAllTakeEffectOnce(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	const writers = 8
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			if _, err := x.Execute(t.Context(), as(fmt.Sprint(i)), nil, estest.Plain.On("1", estest.Give(fmt.Sprint(i)))); err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	f, err := estest.Plain.Load(t.Context(), &es.Repository{Store: s}, "1")
	seen := map[string]bool{}
	for _, name := range f.State {
		seen[name] = true
	}
	if err != nil || len(f.State) != writers || len(seen) != writers {
		t.Errorf("names %v, error %v", f.State, err)
	}
}

func TestOfParallelCommandsWithOneExpectedVersionOneTakesEffect(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	const writers = 8
	results := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := x.Execute(t.Context(), as(fmt.Sprint(i)), version(0), estest.Plain.On("1", estest.Give(fmt.Sprint(i))))
			results <- err
		}()
	}
	won := 0
	for range writers {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, es.ErrStale):
			t.Errorf("got %v, want %v", err, es.ErrStale)
		}
	}
	if won != 1 {
		t.Errorf("%d won", won)
	}
}

func TestWhatIsCoupledHappensTogetherOrNotAtAll(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	const writers = 8
	results := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := x.Execute(t.Context(), as(fmt.Sprint(i)), nil, estest.Unique.New(fmt.Sprint(i), estest.Give("wanted")))
			results <- err
		}()
	}
	won := 0
	for range writers {
		switch err := <-results; {
		case err == nil:
			won++
		case !errors.Is(err, estest.ErrTaken):
			t.Errorf("got %v, want %v", err, estest.ErrTaken)
		}
	}
	holder, err := estest.Claims.Load(t.Context(), &es.Repository{Store: s}, "wanted")
	if won != 1 || err != nil {
		t.Fatalf("%d won, error %v", won, err)
	}
	for i := range writers {
		want := "[]"
		if string(holder.State) == fmt.Sprint(i) {
			want = "[wanted]"
		}
		if got := namesOf(t, s, fmt.Sprint(i)); got != want {
			t.Errorf("writer %d has the names %s, want %s", i, got, want)
		}
	}
}

// A command id may come again for another object; on the streams coupled to that object it
// must not be taken for a repeat, or the coupled step would be left out.
func TestAReusedCommandIdDoesNotHideACoupledStep(t *testing.T) {
	s := new(estest.Memory)
	x := executor(s)
	if _, err := x.Execute(t.Context(), as("same"), nil, estest.Unique.New("1", estest.Give("wanted"))); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Execute(t.Context(), as("same"), nil, estest.Unique.New("2", estest.Give("wanted"))); !errors.Is(err, estest.ErrTaken) {
		t.Errorf("got %v, want %v", err, estest.ErrTaken)
	}
}

// losing gives every append to somebody else.
type losing struct {
	es.Store
	appends int
}

func (l *losing) Append(context.Context, ...es.Pending) error { l.appends++; return es.ErrConflict }

func (l *losing) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return l.Store.Read(ctx, s, r)
}

// meanwhile is a store on which something happens just before a stream is first read.
type meanwhile struct {
	es.Store
	stream  es.Stream
	happens func()
}

func (m *meanwhile) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	if s == m.stream && m.happens != nil {
		happens := m.happens
		m.happens = nil
		happens()
	}
	return m.Store.Read(ctx, s, r)
}

// release is a command on a claim that leaves it free.
type release struct{}

func (release) Decide(estest.Claimed, time.Time) ([]events.Email, error) {
	return []events.Email{events.EmailReleased{UserID: "0"}}, nil
}

func TestACoupledRefusalCountsOnlyIfThereWasAMomentAtWhichAllOfItWasSo(t *testing.T) {
	for name, c := range map[string]struct {
		other  string     // the command that is carried out between the reads of the two streams
		before es.Version // of the stream
		replay bool
	}{
		"the same command":            {"ours", 1, true},
		"the same on a new stream":    {"ours", 0, true},
		"another command":             {"other", 1, false}, // after which there is nothing to do
		"another one on a new stream": {"other", 0, false},
	} {
		store := new(estest.Memory)
		for range c.before {
			if _, err := executor(store).Execute(t.Context(), as("first"), nil, estest.Unique.On("1", estest.Give("a"))); err != nil {
				t.Fatal(err)
			}
		}
		x := executor(&meanwhile{store, "email#x", func() {
			if _, err := executor(store).Execute(t.Context(), as(c.other), nil, estest.Unique.On("1", estest.Give("x"))); err != nil {
				t.Fatal(err)
			}
		}})
		// Without this the claim is assumed to be free, and not read.
		if _, err := executor(store).Execute(t.Context(), as("released"), nil, estest.Claims.On("x", release{})); err != nil {
			t.Fatal(err)
		}
		got, err := x.Execute(t.Context(), as("ours"), nil, estest.Unique.On("1", estest.Give("x")))
		if want := (es.Result{Stream: "user#1", Version: c.before + 1, Replay: c.replay}); err != nil || got != want {
			t.Errorf("%s: got %+v, error %v", name, got, err)
		}
	}
}

func TestConflictsWithoutEndEndInAnError(t *testing.T) {
	s := &losing{Store: new(estest.Memory)}
	if _, err := executor(s).Execute(t.Context(), as("1"), nil, estest.Plain.On("1", estest.Give("a"))); !errors.Is(err, es.ErrConflict) {
		t.Errorf("got %v", err)
	}
	if s.appends < 2 || s.appends > 20 {
		t.Errorf("%d tries", s.appends)
	}
}

func TestTimeNeverRunsBackwardsWithinAStream(t *testing.T) {
	s := new(estest.Memory)
	for i, clock := range []time.Time{estest.Now, estest.Now.Add(-time.Hour), estest.Now.Add(time.Second)} {
		x := executor(s)
		x.Now = func() time.Time { return clock }
		if _, err := x.Execute(t.Context(), as(fmt.Sprint(i)), nil, estest.Plain.On("1", estest.Give(fmt.Sprint(i)))); err != nil {
			t.Fatal(err)
		}
	}
	var times []time.Time
	for c, err := range s.Read(t.Context(), "user#1", es.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, c.At)
	}
	want := []time.Time{estest.Now, estest.Now, estest.Now.Add(time.Second)}
	if fmt.Sprint(times) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", times, want)
	}
}

// stampedAt is a command that gives the time it was decided at as a name.
type stampedAt struct{}

func (stampedAt) Decide(_ estest.Names, now time.Time) ([]events.Auth, error) {
	return []events.Auth{events.UserNameChanged{New: now.Format(time.RFC3339Nano)}}, nil
}

func TestACommandIsDecidedAtTheTimeThatItsCommitCarries(t *testing.T) {
	s := new(estest.Memory)
	for i, clock := range []time.Time{estest.Now.Add(999 * time.Microsecond), estest.Now.Add(-time.Hour)} {
		x := executor(s)
		x.Now = func() time.Time { return clock }
		if _, err := x.Execute(t.Context(), as(fmt.Sprint(i)), nil, estest.Plain.On("1", stampedAt{})); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range all(t, s) {
		if r, err := c.Recorded(); err != nil || r[0].Event.(events.UserNameChanged).New != c.At.Format(time.RFC3339Nano) {
			t.Errorf("a commit of %s holds %+v, error %v", c.At, r, err)
		}
	}
}

func TestACommitMadeFromATipIsNeverOlderThanTheTip(t *testing.T) {
	first, err := es.StartOf("user#1").Next(as("1"), estest.Now, events.UserNameChanged{New: "a"})
	if err != nil {
		t.Fatal(err)
	}
	tip, err := es.StartOf("user#1").Follow(first.Commit())
	if err != nil {
		t.Fatal(err)
	}
	second, err := tip.Next(as("2"), estest.Now.Add(-time.Hour), events.UserNameChanged{New: "b"})
	if err != nil || !second.Commit().At.Equal(estest.Now) {
		t.Errorf("made at %s, error %v", second.Commit().At, err)
	}
}

func TestACommandWithoutAnIdIsNotCarriedOut(t *testing.T) {
	s := new(estest.Memory)
	if _, err := executor(s).Execute(t.Context(), es.Meta{}, nil, estest.Plain.On("1", estest.Give("a"))); err == nil || namesOf(t, s, "1") != "[]" {
		t.Errorf("error %v, names %s", err, namesOf(t, s, "1"))
	}
}

func TestAnEventWhoseTextWouldNotComeBackAsItWasIsNotStored(t *testing.T) {
	s := new(estest.Memory)
	if _, err := executor(s).Execute(t.Context(), as("1"), nil, estest.Plain.On("1", estest.Give("bad \xff"))); err == nil || namesOf(t, s, "1") != "[]" {
		t.Errorf("error %v, names %s", err, namesOf(t, s, "1"))
	}
}

func TestACommitOfTheLargestSizeFitsAndMoreIsRefusedBeforeItIsTried(t *testing.T) {
	pending := func(stream string, bytes int) es.Pending {
		p, err := es.StartOf(es.Stream(stream)).Next(as("1"), estest.Now, events.UserNameChanged{New: strings.Repeat("x", bytes)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var many, large []es.Pending
	for i := range 101 {
		many = append(many, pending(fmt.Sprint("user#", i), 1))
	}
	for i := range 11 {
		large = append(large, pending(fmt.Sprint("user#", i), es.MaxCommitBytes-1000))
	}
	for name, c := range map[string]struct {
		commits []es.Pending
		fits    bool
	}{
		"100 commits":           {many[:100], true},
		"101 commits":           {many, false},
		"10 large commits":      {large[:10], true},
		"more than 4 MB":        {large, false},
		"a commit too large":    {[]es.Pending{pending("user#1", es.MaxCommitBytes)}, false},
		"one of them too large": {[]es.Pending{many[0], pending("user#x", es.MaxCommitBytes)}, false},
	} {
		if err := es.CheckAppend(c.commits); c.fits != (err == nil) || !c.fits && !errors.Is(err, es.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAStreamThatDoesNotFitTogetherIsAnErrorThatNamesThePlace(t *testing.T) {
	commits := func() []es.Commit {
		s := new(estest.Memory)
		for _, name := range []estest.Give{"a", "b", "c"} {
			if _, err := executor(s).Execute(t.Context(), as(string(name)), nil, estest.Plain.On("1", name)); err != nil {
				t.Fatal(err)
			}
		}
		var all []es.Commit
		for c, err := range s.Read(t.Context(), "user#1", es.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		return all
	}
	for name, c := range map[string]struct {
		damage func([]es.Commit) []es.Commit
		at     es.Version
	}{
		"a commit is missing":         {func(c []es.Commit) []es.Commit { return []es.Commit{c[0], c[2]} }, 2},
		"the first commit is missing": {func(c []es.Commit) []es.Commit { return c[1:] }, 1},
		"a commit is there twice":     {func(c []es.Commit) []es.Commit { return []es.Commit{c[0], c[0], c[1]} }, 1},
		"a commit of another stream":  {func(c []es.Commit) []es.Commit { c[1].Stream = "user#2"; return c }, 2},
		"another commit's successor":  {func(c []es.Commit) []es.Commit { c[1].PrevHash[0]++; return c }, 2},
		"a commit without events":     {func(c []es.Commit) []es.Commit { c[2].Events = nil; return c }, 3},
		"an event of another kind": {func(c []es.Commit) []es.Commit {
			c[2].Events = []es.Data{{Type: "email.claimed.v1", JSON: []byte(`{"userId":"1"}`)}}
			return c
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := estest.Plain.Load(t.Context(), &es.Repository{Store: &recorded{commits: c.damage(commits())}}, "1")
			var damaged *es.DamagedError
			if !errors.As(err, &damaged) || damaged.Version != c.at {
				t.Errorf("got %v, want an error at version %d", err, c.at)
			}
		})
	}
}

// recorded is a store that gives these commits whatever is asked.
type recorded struct {
	es.Store
	commits []es.Commit
}

func (r *recorded) Read(context.Context, es.Stream, es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for _, c := range r.commits {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func TestAnUnknownEventIsAnErrorThatNamesItsPlace(t *testing.T) {
	s := &recorded{commits: []es.Commit{{Stream: "user#1", Version: 1, Events: []es.Data{{Type: "user.vanished.v9", JSON: []byte(`{}`)}}}}}
	_, err := estest.Plain.Load(t.Context(), &es.Repository{Store: s}, "1")
	var unknown *events.UnknownTypeError
	if !errors.As(err, &unknown) || err.Error() != `load user: user#1 version 1: unknown event type "user.vanished.v9"` {
		t.Errorf("got %v", err)
	}
}

func TestEveryStoredAttributeOfACommitIsUnderItsHash(t *testing.T) {
	c := es.Commit{Stream: "user#1", Version: 1, Events: []es.Data{{Type: "t", JSON: []byte("d")}}, At: estest.Now,
		Meta: es.Meta{CommandID: "c", Fingerprint: []byte("f"), CorrelationID: "r", CausationID: "k", Actor: "a", Trace: "t"}}
	seen := map[es.Hash]string{c.ComputeHash(): "the commit"}
	for name, change := range map[string]func(*es.Commit){
		"stream":      func(c *es.Commit) { c.Stream = "user#2" },
		"version":     func(c *es.Commit) { c.Version = 2 },
		"type":        func(c *es.Commit) { c.Events = []es.Data{{Type: "u", JSON: []byte("d")}} },
		"data":        func(c *es.Commit) { c.Events = []es.Data{{Type: "t", JSON: []byte("e")}} },
		"one more":    func(c *es.Commit) { c.Events = append(c.Events, es.Data{}) },
		"shifted":     func(c *es.Commit) { c.Events = []es.Data{{Type: "td", JSON: []byte("")}} },
		"command":     func(c *es.Commit) { c.CommandID = "d" },
		"fingerprint": func(c *es.Commit) { c.Fingerprint = nil },
		"correlation": func(c *es.Commit) { c.CorrelationID = "" },
		"causation":   func(c *es.Commit) { c.CausationID = "r" },
		"actor":       func(c *es.Commit) { c.Actor = "b" },
		"trace":       func(c *es.Commit) { c.Trace = "" },
		"time":        func(c *es.Commit) { c.At = c.At.Add(time.Millisecond) },
		"previous":    func(c *es.Commit) { c.PrevHash[31] = 1 },
	} {
		changed := c
		change(&changed)
		h := changed.ComputeHash()
		if other, taken := seen[h]; taken {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[h] = name
	}
}
