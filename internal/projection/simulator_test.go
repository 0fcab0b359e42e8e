package projection_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
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

var (
	schedules = flag.Int("schedules", 6_000, "how many random schedules the simulator runs")
	seed      = flag.Uint64("seed", 0, "the one schedule to run; 0: all")
)

// trail is a view whose rows tell every event that was applied, in order.
var trail = projection.View[[]string]{
	Name: "trail", Category: "user",
	Apply: func(row []string, e es.Recorded) []string {
		name := e.Event.(events.UserNameChanged).New
		if name == "panic" {
			panic("as told")
		}
		return append(row[:len(row):len(row)], fmt.Sprint(e.Version, " ", name))
	},
	Lists: [projection.Lists]func([]string) projection.Place{
		func(row []string) projection.Place {
			if len(row)%2 == 0 {
				return projection.Place{}
			}
			return projection.Place{Partition: "odd", Sort: row[len(row)-1]}
		},
	},
}

// lengths counts streams by how many events they have, and all events.
var lengths = projection.Tally[int]{
	Name: "lengths", Category: "user",
	Apply: func(n int, _ es.Recorded) int { return n + 1 },
	Count: func(n int) map[string]map[string]int64 {
		if n == 0 {
			return nil
		}
		return map[string]map[string]int64{fmt.Sprint(n): {"streams": 1}, "all": {"events": int64(n), "streams": 1}}
	},
}

// world is a system under a random schedule: what is written, what the stream still has to
// deliver, and two projectors.
type world struct {
	ctx        context.Context
	random     *rand.Rand
	store      *estest.Memory
	memory     *projectiontest.Memory
	projectors []*projection.Projector
	tips       map[es.Stream]es.Tip
	clean      map[es.Stream][]string
	feed       []es.Commit              // delivered or not, in the order of writing
	done       map[string]bool          // command ids of the commits that were acknowledged
	decided    map[es.Stream]es.Version // how much of the views' own streams is in feed
	depth      int                      // of deliveries within deliveries
	calm       bool                     // no faults any more
	now        time.Time
}

// sabotage takes one piece of the engine away.
type sabotage struct {
	store func(es.Store) es.Store
	rows  func(projection.Rows) projection.Rows
}

func newWorld(ctx context.Context, seed uint64, broken sabotage) *world {
	w := &world{
		ctx: ctx, random: rand.New(rand.NewPCG(seed, 1)), store: new(estest.Memory), memory: new(projectiontest.Memory),
		tips: map[es.Stream]es.Tip{}, clean: map[es.Stream][]string{}, done: map[string]bool{}, decided: map[es.Stream]es.Version{}, now: estest.Now,
	}
	w.memory.Fail, w.memory.Now = w.interfere, func() time.Time { return w.now }
	store, rows := es.Store(w.store), projection.Rows(w.memory)
	if broken.store != nil {
		store = broken.store(store)
	}
	if broken.rows != nil {
		rows = broken.rows(rows)
	}
	for range 2 {
		w.projectors = append(w.projectors, &projection.Projector{
			Store: store, Rows: rows, Parked: w.memory, Generations: w.memory, Parallel: 1,
			Projections: []projection.Projection{&trail, &lengths, projection.Rebuilds}, Now: func() time.Time { return w.now },
		})
	}
	return w
}

// interfere happens around every write: a crash, before or after it, another projector's
// whole batch, or somebody else's command or task.
func (w *world) interfere(bool) error {
	switch n := w.random.IntN(100); {
	case w.calm:
	case n < 6:
		return projectiontest.ErrInjected
	case n < 12 && w.depth < 2:
		w.deliver()
	case n < 15 && w.depth < 2:
		w.rebuild()
	}
	return nil
}

func (w *world) write() error {
	s := es.NewStream("user", fmt.Sprint(w.random.IntN(3)))
	tip, ok := w.tips[s]
	if !ok {
		tip = es.StartOf(s)
	}
	var more []events.Event
	for range w.random.IntN(3) {
		more = append(more, events.UserNameChanged{New: fmt.Sprint(w.random.IntN(9))})
	}
	p, err := tip.Next(es.Meta{CommandID: fmt.Sprint(len(w.feed))}, estest.Now, events.UserNameChanged{New: fmt.Sprint(w.random.IntN(9))}, more...)
	if err != nil {
		return err
	}
	if err := w.store.Append(w.ctx, p); err != nil {
		return err
	}
	c := p.Commit()
	if w.tips[s], err = tip.Follow(c); err != nil {
		return err
	}
	recorded, err := c.Recorded()
	if err != nil {
		return err
	}
	for _, r := range recorded {
		w.clean[s] = trail.Apply(w.clean[s], r)
	}
	w.feed = append(w.feed, c)
	return nil
}

// tell puts into the feed what was decided about views.
func (w *world) tell() {
	for _, view := range []string{trail.Name, lengths.Name} {
		s := es.NewStream("view", view)
		for c, err := range w.store.Read(w.ctx, s, es.Range{After: w.decided[s]}) {
			if err == nil {
				w.feed, w.decided[s] = append(w.feed, c), c.Last()
			}
		}
	}
}

// deliver gives one projector some commits: any of those written, in any order, some twice.
func (w *world) deliver() {
	w.tell()
	if len(w.feed) == 0 {
		return
	}
	w.depth++
	defer func() { w.depth-- }()
	batch := make([]es.Commit, 1+w.random.IntN(4))
	for i := range batch {
		batch[i] = w.feed[w.random.IntN(len(w.feed))]
	}
	failed := w.projectors[w.random.IntN(2)].Project(w.ctx, batch)
	for i, c := range batch {
		if failed[i] == nil {
			w.done[c.CommandID] = true
		}
	}
}

// rebuild does something about a rebuild of a view, as an operator and workers do at any
// time. What is refused or crashes is.
func (w *world) rebuild() {
	b := w.rebuilder(w.random.IntN(2))
	view := []string{trail.Name, lengths.Name}[w.random.IntN(2)]
	meta := es.Meta{CommandID: fmt.Sprint(w.random.Uint64())}
	if w.depth == 0 && w.random.IntN(3) == 0 {
		// Leases run out, and now and then all that anybody knew of the generations is old. Not
		// while something is under way: no invocation takes that long.
		w.now = w.now.Add([]time.Duration{time.Minute, time.Minute, 11 * time.Minute}[w.random.IntN(3)])
	}
	w.depth++
	defer func() { w.depth-- }()
	switch n := w.random.IntN(20); {
	case n < 4:
		b.Start(w.ctx, meta, nil, view)
	case n < 14:
		w.work(b)
	case n < 17:
		b.Switch(w.ctx, meta, nil, view)
	case n < 19:
		b.Rollback(w.ctx, meta, nil, view)
	default:
		b.Cancel(w.ctx, meta, nil, view)
	}
}

// work does a task, or a part of it. It comes up again if it fails, and now and then
// although it did not.
func (w *world) work(b *projection.Rebuilder) {
	t, ok, _ := w.memory.Take(w.random.IntN)
	if !ok {
		return
	}
	until := w.now.Add(time.Duration(w.random.IntN(2)) * time.Second)
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	if w.random.IntN(4) == 0 {
		b.Scanner = ending{b.Scanner, cancel, w.random.IntN(2)}
	}
	if err := b.Do(ctx, t, until); err != nil || w.random.IntN(10) == 0 {
		w.sendAgain(t)
	}
}

func (w *world) sendAgain(t projection.Task) {
	t.Delay = 0
	was := w.calm
	w.calm = true
	w.memory.Send(w.ctx, t)
	w.calm = was
}

// ending ends a worker's context after so many pages, as the limit of a function's time does.
type ending struct {
	es.Scanner
	end   func()
	pages int
}

func (e ending) Scan(ctx context.Context, part, parts int, after []byte) iter.Seq2[es.Page, error] {
	return func(yield func(es.Page, error) bool) {
		for page, err := range e.Scanner.Scan(ctx, part, parts, after) {
			if e.pages--; e.pages < 0 {
				e.end()
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

func (w *world) rebuilder(n int) *projection.Rebuilder {
	return &projection.Rebuilder{
		Projector: w.projectors[n], Scanner: w.store, Parts: w.memory, Queue: w.memory,
		Executor: &es.Executor{Repository: es.Repository{Store: w.store}, Now: func() time.Time { return w.now }},
	}
}

// finish does all tasks, those that come of them as well, which brings all rebuilds to their
// end and leaves nothing of what was given up.
func (w *world) finish() error {
	for range 1000 {
		w.now = w.now.Add(time.Minute)
		t, ok, left := w.memory.Take(func(int) int { return 0 })
		if left == 0 {
			return w.finished()
		}
		if !ok {
			continue
		}
		if err := w.rebuilder(0).Do(w.ctx, t, w.now.Add(time.Hour)); err != nil {
			return fmt.Errorf("%+v in calm: %w", t, err)
		}
	}
	return errors.New("there are tasks without an end")
}

func (w *world) finished() (err error) {
	all, err := w.memory.LoadGenerations(w.ctx)
	for view, g := range all {
		if g.Building || g.DroppedAt != 0 {
			err = errors.Join(err, fmt.Errorf("%s is still being built or purged: %+v", view, g))
		}
		if left := w.memory.Holds(view, g.Dropped); len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("of %s, %+v, there still are %v", view, g, left))
		}
		w.tell()
		if decided := w.decided[es.NewStream("view", view)]; g.Version != decided {
			err = errors.Join(err, fmt.Errorf("%s shows version %d of what was decided, of %d", view, g.Version, decided))
		}
	}
	return err
}

// run runs a schedule to its end, at which every stream's last commit has been acknowledged,
// and tells what differs from the clean fold. No other commit needs to have been delivered.
func (w *world) run() error {
	for range 6 + w.random.IntN(30) {
		switch n := w.random.IntN(100); {
		case n < 40:
			if err := w.write(); err != nil {
				return err
			}
		case n < 75:
			w.deliver()
		default:
			w.rebuild()
		}
	}
	w.calm = true
	if err := w.finish(); err != nil {
		return err
	}
	var last []es.Commit
	for s := range w.tips {
		at := slices.IndexFunc(w.feed, func(c es.Commit) bool { return c.Stream == s && c.Last() == w.tips[s].Version() })
		if c := w.feed[at]; !w.done[c.CommandID] {
			last = append(last, c)
		}
	}
	if failed := w.projectors[0].Project(w.ctx, last); len(failed) > 0 {
		return fmt.Errorf("in calm: %v", failed)
	}
	return errors.Join(w.compare(), w.finished())
}

func (w *world) compare() error {
	r := &projection.Reader{Store: w.store, Rows: w.memory, Generations: w.memory, Now: func() time.Time { return w.now }}
	generations, err := w.memory.LoadGenerations(w.ctx)
	if err != nil {
		return err
	}
	var all error
	for _, generation := range active(generations, trail.Name) {
		for s, want := range w.clean {
			var got []string
			row, err := w.memory.Load(w.ctx, projection.Key{View: trail.Name, Generation: generation, ID: s.ID()}, &got, true)
			if err != nil || row.Version != w.tips[s].Version() || row.Parked || !reflect.DeepEqual(got, want) {
				all = errors.Join(all, fmt.Errorf("generation %d of %s: %+v %v, error %v, want %v", generation, s, row, got, err, want))
			}
		}
	}
	sums := map[string]map[string]int64{"all": {}}
	for _, names := range w.clean {
		add(sums, "all", "events", int64(len(names)))
		add(sums, "all", "streams", 1)
		add(sums, fmt.Sprint(len(names)), "streams", 1)
	}
	for n := 0; n <= 60; n++ {
		total := fmt.Sprint(n)
		if n == 0 {
			total = "all"
		}
		got, err := lengths.Total(w.ctx, r, total)
		for name, v := range got {
			if v == 0 {
				delete(got, name)
			}
		}
		if err != nil || len(got)+len(sums[total]) > 0 && !reflect.DeepEqual(got, sums[total]) {
			all = errors.Join(all, fmt.Errorf("total %s is %v, error %v, want %v", total, got, err, sums[total]))
		}
	}
	rows, _, err := trail.List(w.ctx, r, projection.Query{Partition: "odd", Limit: 100})
	var got, want []string
	for _, row := range rows {
		got = append(got, strings.Join(row, ","))
	}
	for _, names := range w.clean {
		if len(names)%2 == 1 {
			want = append(want, strings.Join(names, ","))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		all = errors.Join(all, fmt.Errorf("list %v, error %v, want %v", got, err, want))
	}
	return all
}

func add(sums map[string]map[string]int64, total, name string, n int64) {
	if sums[total] == nil {
		sums[total] = map[string]int64{}
	}
	sums[total][name] += n
}

func active(all map[string]projection.Generations, view string) []int {
	g, ok := all[view]
	switch {
	case !ok:
		return []int{projection.First.Live}
	case g.Other == 0:
		return []int{g.Live}
	}
	return []int{g.Live, g.Other}
}

func TestEveryScheduleComesToTheCleanFold(t *testing.T) {
	from, to := uint64(1), uint64(*schedules)
	if *seed > 0 {
		from, to = *seed, *seed
	}
	for n := from; n <= to; n++ {
		if err := newWorld(t.Context(), n, sabotage{}).run(); err != nil {
			t.Fatalf("schedule %d (go test ./internal/projection -run CleanFold -seed %d repeats it): %v", n, n, err)
		}
	}
}

// What keeps rows right must not be there in vain: without any piece of it the simulator
// finds a schedule that goes wrong.
func TestTheSimulatorNoticesAMissingPiece(t *testing.T) {
	for name, broken := range map[string]sabotage{
		"the version that a row carries":       {rows: func(r projection.Rows) projection.Rows { return forgetful{r} }},
		"the catch-up from the events":         {store: func(s es.Store) es.Store { return silent{s} }},
		"the condition that rows are saved on": {rows: func(r projection.Rows) projection.Rows { return careless{r} }},
	} {
		t.Run(name, func(t *testing.T) {
			for n := uint64(1); n <= 1000; n++ {
				if err := newWorld(t.Context(), n, broken).run(); err != nil {
					t.Logf("schedule %d shows it: %v", n, err)
					return
				}
			}
			t.Error("1000 schedules came out right without it")
		})
	}
}

// forgetful forgets which version a row is at.
type forgetful struct{ projection.Rows }

func (f forgetful) Load(ctx context.Context, k projection.Key, into any, consistent bool) (projection.Row, error) {
	row, err := f.Rows.Load(ctx, k, into, consistent)
	row.Version = 0
	return row, err
}

func (f forgetful) Save(ctx context.Context, c projection.Change) error {
	return careless(f).Save(ctx, c)
}

// silent says of every stream that nothing is missing.
type silent struct{ es.Store }

func (silent) Read(context.Context, es.Stream, es.Range) iter.Seq2[es.Commit, error] {
	return func(func(es.Commit, error) bool) {}
}

// careless saves rows whatever is there.
type careless struct{ projection.Rows }

func (c careless) Save(ctx context.Context, change projection.Change) error {
	for {
		var data any
		row, err := c.Rows.Load(ctx, change.Key, &data, true)
		if err != nil {
			return err
		}
		change.Was = row.Version
		if err := c.Rows.Save(ctx, change); !errors.Is(err, es.ErrConflict) {
			return err
		}
	}
}
