package projection_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// journal is the state of a stream that tells what was done, in order.
type journal []string

// Evolve implements [es.State].
func (j journal) Evolve(e events.Email) journal {
	return append(j[:len(j):len(j)], e.(events.EmailClaimed).UserID)
}

// write adds an entry, also if there is one like it: only its command id tells a repeat.
type write struct {
	entry   string
	refused *bool
}

// Decide implements [es.Command].
func (w write) Decide(journal, time.Time) ([]events.Email, error) {
	if *w.refused {
		return nil, estest.ErrForbidden
	}
	return []events.Email{events.EmailClaimed{UserID: w.entry}}, nil
}

var (
	journals = es.Aggregate[journal, events.Email]{Category: "journal", Reducer: 1}
	since    = estest.Now.Add(time.Hour) // what happened before is history
)

// reactions is a system under a random schedule: what is written, what the stream still has
// to deliver, two reactors and two clocks.
type reactions struct {
	ctx        context.Context
	random     *rand.Rand
	store      *estest.Memory
	memory     *projectiontest.Memory
	projectors []*projection.Projector
	tips       map[es.Stream]es.Tip
	feed       []es.Commit // what passes the filter, delivered or not
	done       map[string]bool
	depth      int  // of what happens within something else
	calm       bool // no faults any more
	strict     bool // commands about "forbidden" are refused, code about "panic" panics
	now        time.Time
	want       map[es.Stream][]event
	keys       map[string][]string // of the calls outside, by the entry that each is about
	written    int
	failure    error // of a write, which never fails
}

// event is one that there has to be a reaction to.
type event struct {
	version  es.Version
	deadline bool
}

// breach takes one piece of the engine away.
type breach struct {
	store     func(es.Store) es.Store // that the reactor reads
	target    func(es.Store) es.Store // that commands are carried out on
	rows      func(projection.Rows) projection.Rows
	deadlines func(projection.DeadlineStore) projection.DeadlineStore
	parked    func(projection.ParkedStore) projection.ParkedStore
}

func newReactions(ctx context.Context, seed uint64, broken breach) *reactions {
	w := &reactions{
		ctx: ctx, random: rand.New(rand.NewPCG(seed, 2)), store: new(estest.Memory), memory: new(projectiontest.Memory),
		tips: map[es.Stream]es.Tip{}, done: map[string]bool{}, want: map[es.Stream][]event{}, keys: map[string][]string{}, strict: true,
		now: estest.Now.Add(55 * time.Minute),
	}
	w.memory.Fail = w.interfere
	store, target := es.Store(w.store), es.Store(crashing{w.store, w})
	rows, deadlines, parked := projection.Rows(w.memory), projection.DeadlineStore(w.memory), projection.ParkedStore(meddled{w.memory, w})
	if broken.store != nil {
		store = broken.store(store)
	}
	if broken.target != nil {
		target = broken.target(target)
	}
	if broken.rows != nil {
		rows = broken.rows(rows)
	}
	if broken.deadlines != nil {
		deadlines = broken.deadlines(deadlines)
	}
	if broken.parked != nil {
		parked = broken.parked(parked)
	}
	for range 2 {
		repository := es.Repository{Store: target}
		if broken.target == nil && w.random.IntN(2) == 0 {
			repository.Cache = es.NewCache(1 << 20)
		}
		w.projectors = append(w.projectors, &projection.Projector{
			Store: store, Rows: rows, Parked: parked, Deadlines: deadlines, Parallel: 1,
			Executor:    &es.Executor{Repository: repository, Now: func() time.Time { return w.now }},
			Projections: []projection.Projection{w.reactor()}, Now: func() time.Time { return w.now },
		})
	}
	return w
}

// reactor notes every name that is given to somebody in a journal about that person and in
// one about all, after a call outside, and for some of them again an hour later.
func (w *reactions) reactor() projection.Projection {
	note := func(s es.Stream, kind string, version es.Version, name string) []projection.Reaction {
		refused := new(bool)
		if name == "forbidden" {
			refused = &w.strict
		}
		if name == "panic" && w.strict {
			panic("as told")
		}
		entry := fmt.Sprintf("%s%d of %s", kind, version, s)
		return []projection.Reaction{
			{Command: journals.On(s.ID(), write{entry, refused})},
			{Command: journals.On("all", write{entry, refused})},
			{Command: journals.On("all", write{entry + ", again", refused})},
			{Effect: call{&outside{fail: w.miscall, called: func(key string) { w.keys[entry] = append(w.keys[entry], key) }}, func() projection.Reaction {
				return projection.Reaction{Command: journals.On("all", write{entry + ", called", refused})}
			}}},
		}
	}
	return &projection.Reactor[[]string]{
		Name: "scribe", Category: "user",
		Triggers: []projection.Trigger{{Event: events.UserNameChanged{}, Since: since}},
		React: func(e es.Recorded) []projection.Reaction {
			name := e.Event.(events.UserNameChanged)
			all := note(e.Stream, "event ", e.Version, name.New)
			if name.Old != "" {
				d := projection.Deadline{Name: name.Old, At: e.At.Add(time.Hour)}
				all = slices.Insert(all, 1, projection.Reaction{Deadline: &d})
			}
			return all
		},
		Apply: func(names []string, e es.Recorded) []string {
			return append(names[:len(names):len(names)], e.Event.EventType())
		},
		Due: func(d projection.Deadline, names []string) []projection.Reaction {
			if len(names) < int(d.Version) {
				panic("the state is older than the deadline")
			}
			return note(d.Stream, "deadline ", d.Version, d.Name)
		},
	}
}

// crashing is a store whose writer may crash before or after a write.
type crashing struct {
	es.Store
	w *reactions
}

func (c crashing) Append(ctx context.Context, pending ...es.Pending) error {
	if err := c.w.interfere(false); err != nil {
		return err
	}
	if !c.w.calm && c.w.random.IntN(100) < 2 {
		c.w.store.Fail([]estest.Fault{estest.Before, estest.LostReply}[c.w.random.IntN(2)])
	}
	if err := c.Store.Append(ctx, pending...); err != nil {
		return err
	}
	return c.w.interfere(true)
}

// interfere happens around every write: a crash, before or after it, or something else that
// goes on at the same time.
func (w *reactions) interfere(bool) error {
	switch n := w.random.IntN(100); {
	case w.calm:
	case n < 5:
		return projectiontest.ErrInjected
	case n < 15 && w.depth < 2:
		for range 1 + w.random.IntN(4) {
			w.something()
		}
	}
	return nil
}

// meddled has streams parked again just when they are healed, which would seldom happen.
type meddled struct {
	projection.ParkedStore
	w *reactions
}

func (m meddled) Unpark(ctx context.Context, view string, generation int, s es.Stream, through es.Version) error {
	if w := m.w; !w.calm && w.depth < 2 && w.random.IntN(2) == 0 {
		w.strict = true
		w.depth++
		for range 4 {
			w.write()
			w.give(w.feed[len(w.feed)-min(1, len(w.feed)):])
		}
		w.depth--
	}
	return m.ParkedStore.Unpark(ctx, view, generation, s, through)
}

// miscall happens around every call outside.
func (w *reactions) miscall(bool) error {
	if !w.calm && w.random.IntN(100) < 15 {
		return errBusy
	}
	return nil
}

// something is what writers, reactors, clocks and operators do at any time. What crashes does.
func (w *reactions) something() {
	w.depth++
	defer func() { w.depth-- }()
	switch n := w.random.IntN(12); {
	case n < 2:
		w.write()
	case n < 6:
		w.deliver()
	case n < 8:
		w.strict = !w.strict
	case n < 10:
		w.now = w.now.Add(time.Duration(w.random.IntN(30)) * time.Minute)
		w.tick(w.random.IntN(2))
	default:
		w.redrive()
	}
}

func (w *reactions) tick(clock int) (int, error) {
	return (&projection.Clock{Projector: w.projectors[clock]}).Tick(w.ctx, w.now.Add(time.Minute))
}

// redrive tries everything that is parked again and gives what still is.
func (w *reactions) redrive() (left int, _ error) {
	all, _, err := w.memory.ListParked(w.ctx, "", 1000)
	for _, p := range all {
		still, failure := w.projectors[w.random.IntN(2)].Redrive(w.ctx, p)
		err = errors.Join(err, failure)
		if still {
			left++
		}
	}
	return left, err
}

// write adds a commit to some stream. No fault is meant for it.
func (w *reactions) write() {
	s := es.NewStream("user", fmt.Sprint(w.random.IntN(3)))
	tip, ok := w.tips[s]
	if !ok {
		tip = es.StartOf(s)
	}
	w.now = w.now.Add(time.Duration(w.random.IntN(3)) * time.Minute)
	var all []events.Event
	var wanted []event
	for i := range 1 + w.random.IntN(3) {
		version := tip.Version() + 1 + es.Version(i)
		if w.random.IntN(2) == 0 {
			all = append(all, events.UserRoleGranted{Role: "auditor"})
			continue
		}
		named := func() string { return []string{"", "", "x", "forbidden", "panic"}[w.random.IntN(5)] }
		e := events.UserNameChanged{Old: named(), New: named()}
		all = append(all, e)
		wanted = append(wanted, event{version, e.Old != ""})
	}
	w.written++
	p, err := tip.Next(es.Meta{CommandID: fmt.Sprint("written ", w.written)}, w.now, all[0], all[1:]...)
	for err == nil {
		if err = w.store.Append(w.ctx, p); err == nil {
			break
		}
		if errors.Is(err, es.ErrUnavailable) {
			err = nil
		}
	}
	c := p.Commit()
	if err == nil {
		w.tips[s], err = tip.Follow(c)
	}
	if err != nil {
		w.failure = err
		return
	}
	if len(wanted) > 0 {
		w.feed = append(w.feed, c)
	}
	if !c.At.Before(since) {
		w.want[s] = append(w.want[s], wanted...)
	}
}

// deliver gives one reactor some commits that pass the filter: any of those written, in any
// order, some twice.
func (w *reactions) deliver() {
	if len(w.feed) == 0 {
		return
	}
	batch := make([]es.Commit, 1+w.random.IntN(4))
	for i := range batch {
		batch[i] = w.feed[w.random.IntN(len(w.feed))]
	}
	w.give(batch)
}

func (w *reactions) give(batch []es.Commit) {
	failed := w.projectors[w.random.IntN(2)].Project(w.ctx, batch)
	for i, c := range batch {
		if failed[i] == nil {
			w.done[c.CommandID] = true
		}
	}
}

// run runs a schedule to its end, at which every stream's last commit that passes the filter
// has been acknowledged, refusals have been dealt with, and all deadlines have come. It tells
// what was not done exactly once and in order.
func (w *reactions) run() error {
	for range 6 + w.random.IntN(30) {
		if w.random.IntN(100) < 30 {
			w.write()
		} else {
			w.something()
		}
	}
	if w.failure != nil {
		return w.failure
	}
	w.calm = true
	last := map[es.Stream]es.Commit{}
	for _, c := range w.feed {
		last[c.Stream] = c
	}
	var missing []es.Commit
	for _, c := range w.feed {
		if last[c.Stream].Version == c.Version && !w.done[c.CommandID] {
			missing = append(missing, c)
		}
	}
	if failed := w.projectors[0].Project(w.ctx, missing); len(failed) > 0 {
		return fmt.Errorf("in calm: %v", failed)
	}
	w.strict = false
	if left, err := w.redrive(); left > 0 || err != nil {
		return fmt.Errorf("redrive leaves %d parked, error %v", left, err)
	}
	w.now = w.now.Add(2 * time.Hour)
	if _, err := w.tick(0); err != nil {
		return fmt.Errorf("tick in calm: %w", err)
	}
	if n, err := w.tick(1); n > 0 || err != nil {
		return fmt.Errorf("%d deadlines are left, error %v", n, err)
	}
	return w.compare(last)
}

func (w *reactions) compare(last map[es.Stream]es.Commit) (all error) {
	wrong := func(format string, args ...any) { all = errors.Join(all, fmt.Errorf(format, args...)) }
	if parked, _, err := w.memory.ListParked(w.ctx, "", 1000); err != nil || len(parked) > 0 {
		wrong("parked: %+v, error %v", parked, err)
	}
	r := &es.Repository{Store: w.store}
	whole, err := journals.Load(w.ctx, r, "all")
	if err != nil {
		return err
	}
	total := 0
	for s, want := range w.want {
		if len(want) == 0 {
			continue
		}
		own, err := journals.Load(w.ctx, r, s.ID())
		if err != nil {
			return err
		}
		var expected, got []string // what events led to, in order
		entries := 0
		for _, e := range want {
			entry := fmt.Sprintf("event %d of %s", e.version, s)
			expected = append(expected, entry)
			entries++
			if !e.deadline {
				continue
			}
			entries++
			if due := fmt.Sprintf("deadline %d of %s", e.version, s); slices.Index(own.State, due) < slices.Index(own.State, entry) {
				wrong("%q does not come after %q in %q", due, entry, own.State)
			}
		}
		for _, entry := range own.State {
			if strings.HasPrefix(entry, "event") {
				got = append(got, entry)
			}
		}
		if !slices.Equal(got, expected) {
			wrong("in the journal of %s:\ngot  %q\nwant %q", s, got, expected)
		}
		if len(own.State) != entries {
			wrong("the journal of %s has %d entries, want %d: %q", s, len(own.State), entries, own.State)
		}
		for _, entry := range own.State {
			if !slices.Contains(whole.State, entry) || !slices.Contains(whole.State, entry+", again") || !slices.Contains(whole.State, entry+", called") {
				wrong("the journal of all lacks %q", entry)
			}
			if keys := slices.Compact(w.keys[entry]); len(keys) != 1 {
				wrong("outside it was %d things to be asked for %q", len(keys), entry)
			}
		}
		total += 3 * entries
		var none struct{}
		row, err := w.memory.Load(w.ctx, projection.Key{View: "scribe", Generation: 1, ID: s.ID()}, &none, true)
		if err != nil || row.Parked > 0 || row.Version < want[len(want)-1].version {
			wrong("the checkpoint of %s is %+v, error %v, want %d", s, row, err, last[s].Last())
		}
	}
	if len(whole.State) != total {
		wrong("the journal of all has %d entries, want %d: %q", len(whole.State), total, whole.State)
	}
	return all
}

func TestEveryEventAndDeadlineIsReactedToOnceAndInOrder(t *testing.T) {
	from, to, workers := uint64(1), uint64(*schedules/4), uint64(runtime.GOMAXPROCS(0)) // one takes as long as some of the other simulator
	if *seed > 0 {
		from, to, workers = *seed, *seed, 1
	}
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // nobody waits for a pause
				for n := from + worker; n <= to; n += workers {
					if err := newReactions(t.Context(), n, breach{}).run(); err != nil {
						t.Fatalf("schedule %d (go test ./internal/projection -run OnceAndInOrder -seed %d repeats it): %v", n, n, err)
					}
				}
			})
		})
	}
}

// What has every reaction done once must not be there in vain: without any piece of it the
// simulator finds a schedule that goes wrong.
func TestTheSimulatorNoticesWhatReactionsLack(t *testing.T) {
	for name, broken := range map[string]breach{
		"the ids of commands":                     {target: func(s es.Store) es.Store { return nameless{s} }},
		"the ids of deadlines":                    {deadlines: func(s projection.DeadlineStore) projection.DeadlineStore { return &renaming{DeadlineStore: s} }},
		"the catch-up from the events":            {store: func(s es.Store) es.Store { return silent{s} }},
		"the condition that checkpoints save on":  {rows: func(r projection.Rows) projection.Rows { return careless{r} }},
		"the version that a note is kept for":     {parked: func(p projection.ParkedStore) projection.ParkedStore { return forgetting{p} }},
		"effects that are tried again":            {deadlines: func(s projection.DeadlineStore) projection.DeadlineStore { return dropping{s} }},
		"deadlines that are there until answered": {deadlines: func(s projection.DeadlineStore) projection.DeadlineStore { return hasty{s} }},
	} {
		t.Run(name, func(t *testing.T) {
			for n := uint64(1); n <= 1000; n++ {
				if err := newReactions(t.Context(), n, broken).run(); err != nil {
					t.Logf("schedule %d shows it: %v", n, err)
					return
				}
			}
			t.Error("1000 schedules came out right without it")
		})
	}
}

// nameless forgets which command a commit is of.
type nameless struct{ es.Store }

func (n nameless) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for c, err := range n.Store.Read(ctx, s, r) {
			c.CommandID = ""
			if !yield(c, err) {
				return
			}
		}
	}
}

// renaming keeps every deadline under another id.
type renaming struct {
	projection.DeadlineStore
	set int
}

func (r *renaming) SetDeadline(ctx context.Context, d projection.Deadline) error {
	if !d.Parked {
		r.set++
		d.ID = fmt.Sprint(r.set)
	}
	return r.DeadlineStore.SetDeadline(ctx, d)
}

// dropping keeps no effect for later.
type dropping struct{ projection.DeadlineStore }

func (f dropping) SetDeadline(ctx context.Context, d projection.Deadline) error {
	if d.Effect > 0 {
		return nil
	}
	return f.DeadlineStore.SetDeadline(ctx, d)
}

// hasty forgets deadlines as soon as somebody is about to answer them.
type hasty struct{ projection.DeadlineStore }

func (h hasty) ListDue(ctx context.Context, shard int, by time.Time, after string, limit int) ([]projection.Deadline, string, error) {
	page, next, err := h.DeadlineStore.ListDue(ctx, shard, by, after, limit)
	for _, d := range page {
		err = errors.Join(err, h.ClearDeadline(ctx, d))
	}
	return page, next, err
}
