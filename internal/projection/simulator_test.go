package projection_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

// build is the program that a process runs: its projections. One that is not fixed panics on
// some events, in one projection each.
type build struct {
	trail   projection.View[[]string]
	lengths projection.Tally[int]
}

const (
	poison     = "poison"     // the trail cannot have it
	uncounted  = "uncounted"  // the lengths cannot
	oneOfMany  = 25           // events is poisonous
	partitions = "odd length" // of the trail's list
)

func newBuild(fixed bool) *build {
	is := func(e es.Recorded, bad string) bool { return !fixed && nameOf(e) == bad }
	return &build{
		// Rows tell every event that was applied, in order.
		trail: projection.View[[]string]{
			Name: "trail", Category: "user",
			Apply: func(row []string, e es.Recorded) []string {
				if is(e, poison) {
					panic("as told")
				}
				return append(row[:len(row):len(row)], entry(e))
			},
			Lists: [projection.Lists]func([]string) projection.Place{placeOf},
		},
		// The lengths count streams by how many events they have, and all events.
		lengths: projection.Tally[int]{
			Name: "lengths", Category: "user",
			Apply: func(n int, e es.Recorded) int {
				if is(e, uncounted) {
					panic("as told")
				}
				return n + 1
			},
			Count: count,
		},
	}
}

func nameOf(e es.Recorded) string { return e.Event.(events.UserNameChanged).New }

func entry(e es.Recorded) string { return fmt.Sprint(e.Version, " ", nameOf(e)) }

func placeOf(row []string) projection.Place {
	if len(row)%2 == 0 {
		return projection.Place{}
	}
	return projection.Place{Partition: partitions, Sort: row[len(row)-1]}
}

func count(n int) map[string]map[string]int64 {
	if n == 0 {
		return nil
	}
	return map[string]map[string]int64{fmt.Sprint(n): {"streams": 1}, "all": {"events": int64(n), "streams": 1}}
}

var views = []string{"trail", "lengths"}

// process is a projector with what it remembers, until it crashes or is replaced.
type process struct {
	*build
	fixed     bool
	projector *projection.Projector
}

// execution is one invocation of a process. Several may be under way, each in the middle of
// a write of the one before.
type execution struct{ dead bool }

// world is a system under a random schedule: what is written, what the stream still has to
// deliver, two projectors, an operator and a reader.
type world struct {
	ctx       context.Context
	random    *rand.Rand
	store     *estest.Memory
	memory    *projectiontest.Memory
	broken    sabotage
	processes [2]process
	reader    *projection.Reader
	readers   *build // what the reader runs
	tips      map[es.Stream]es.Tip
	clean     map[es.Stream][]string
	ends      map[es.Stream][]es.Version    // the versions that commits end at
	damaged   map[es.Stream]es.Version      // the commit that cannot be read for now
	bad       map[string]map[es.Stream]bool // the streams that a view may have parked
	decided   map[es.Stream]es.Version      // how much of the views' own streams is in feed
	feed      []es.Commit                   // delivered or not, in the order of writing
	done      map[string]bool               // command ids of the commits that were acknowledged
	running   []*execution                  // the innermost last
	calm      bool                          // no faults any more
	now       time.Time
	fault     error // the first answer that a reader must not be given
}

// sabotage takes one piece of the engine away.
type sabotage struct {
	store       func(es.Store) es.Store
	rows        func(projection.Rows) projection.Rows
	parked      func(projection.ParkedStore) projection.ParkedStore
	generations func(projection.GenerationStore) projection.GenerationStore
}

func newWorld(ctx context.Context, seed uint64, broken sabotage) *world {
	w := &world{
		ctx: ctx, random: rand.New(rand.NewPCG(seed, 1)), store: new(estest.Memory), memory: new(projectiontest.Memory), broken: broken,
		tips: map[es.Stream]es.Tip{}, clean: map[es.Stream][]string{}, ends: map[es.Stream][]es.Version{},
		damaged: map[es.Stream]es.Version{}, decided: map[es.Stream]es.Version{}, bad: map[string]map[es.Stream]bool{}, done: map[string]bool{}, now: estest.Now,
		readers: newBuild(true),
	}
	for _, view := range views {
		w.bad[view] = map[es.Stream]bool{}
	}
	w.memory.Fail, w.memory.Now = w.interfere, w.clock
	w.reader = &projection.Reader{Store: damaging{w.store, w.damaged}, Rows: w.memory, Generations: w.memory, Now: w.clock}
	for n := range w.processes {
		w.start(n, w.random.IntN(2) == 0)
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

// start starts a process in the place of the one that was there.
func (w *world) start(n int, fixed bool) {
	store, rows, parked, generations := es.Store(damaging{w.store, w.damaged}), projection.Rows(w.memory), projection.ParkedStore(w.memory), projection.GenerationStore(w.memory)
	if w.broken.store != nil {
		store = w.broken.store(store)
	}
	if w.broken.rows != nil {
		rows = w.broken.rows(rows)
	}
	if w.broken.parked != nil {
		parked = w.broken.parked(parked)
	}
	if w.broken.generations != nil {
		generations = w.broken.generations(generations)
	}
	b := newBuild(fixed)
	w.processes[n] = process{b, fixed, &projection.Projector{
		Store: store, Rows: rows, Parked: parked, Generations: generations, Parallel: 1,
		Projections: []projection.Projection{&b.trail, &b.lengths, projection.Rebuilds}, Now: w.clock,
	}}
}

// restart replaces a process by one that remembers nothing.
func (w *world) restart(n int) { w.start(n, w.processes[n].fixed) }

// execute runs something in a process, which is another one afterwards if it crashed. It
// reports whether it came to its end.
func (w *world) execute(n int, do func(process)) bool {
	e := new(execution)
	w.running = append(w.running, e)
	do(w.processes[n])
	w.running = w.running[:len(w.running)-1]
	if e.dead {
		w.restart(n)
	}
	return !e.dead
}

// interfere happens before and after every write: the write fails, or its reply is lost; the
// process dies, and nothing that it does after that takes effect; or anything else happens
// meanwhile.
func (w *world) interfere(bool) error {
	if w.running[len(w.running)-1].dead {
		return projectiontest.ErrInjected
	}
	if w.calm {
		return nil
	}
	switch n := w.random.IntN(100); {
	case n < 3:
		return projectiontest.ErrInjected
	case n < 6:
		w.running[len(w.running)-1].dead = true
		return projectiontest.ErrInjected
	case n < 20 && len(w.running) < 3:
		w.happen()
	}
	return nil
}

// happen lets one thing happen.
func (w *world) happen() {
	switch n := w.random.IntN(100); {
	case n < 36:
		w.write()
	case n < 66:
		w.deliver()
	case n < 82:
		w.rebuild()
	case n < 88:
		w.redrive()
	case n < 95:
		w.read()
	default:
		w.disturb()
	}
}

func (w *world) write() {
	s := es.NewStream("user", fmt.Sprint(w.random.IntN(3)))
	tip, ok := w.tips[s]
	if !ok {
		tip = es.StartOf(s)
	}
	var all []events.Event
	for range 1 + w.random.IntN(3) {
		name := fmt.Sprint(w.random.IntN(9))
		switch w.random.IntN(oneOfMany) {
		case 0:
			name, w.bad["trail"][s] = poison, true
		case 1:
			name, w.bad["lengths"][s] = uncounted, true
		}
		all = append(all, events.UserNameChanged{New: name})
	}
	p, err := tip.Next(es.Meta{CommandID: fmt.Sprint("write ", len(w.feed))}, estest.Now, all[0], all[1:]...)
	must(err)
	must(w.store.Append(w.ctx, p))
	c := p.Commit()
	w.tips[s], err = tip.Follow(c)
	must(err)
	for i, e := range all {
		w.clean[s] = append(w.clean[s], entry(es.Recorded{Event: e, Version: c.Version + es.Version(i)}))
	}
	w.ends[s] = append(w.ends[s], c.Last())
	w.feed = append(w.feed, c)
}

// must is for what the world itself does.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// tell puts into the feed what was decided about views.
func (w *world) tell() {
	for _, view := range views {
		s := es.NewStream("view", view)
		for c, err := range w.store.Read(w.ctx, s, es.Range{After: w.decided[s]}) {
			must(err)
			w.feed, w.decided[s] = append(w.feed, c), c.Last()
		}
	}
}

// deliver gives one projector some commits: any of those written, in any order, some twice.
func (w *world) deliver() {
	w.tell()
	if len(w.feed) == 0 {
		return
	}
	batch := make([]es.Commit, 1+w.random.IntN(4))
	for i := range batch {
		batch[i] = w.feed[w.random.IntN(len(w.feed))]
	}
	w.hand(w.random.IntN(2), batch)
}

// hand has a process project commits, those that cannot be read first, and notes what it
// acknowledges, if it lives that long.
func (w *world) hand(n int, batch []es.Commit) (failed error) {
	var done []es.Commit
	whole := w.execute(n, func(p process) {
		var commits []es.Commit
		for _, c := range batch {
			if w.damaged[c.Stream] != c.Version {
				commits = append(commits, c)
			} else if err := p.projector.Damaged(w.ctx, damage(c)); err != nil {
				failed = err
			} else {
				done = append(done, c)
			}
		}
		errs := p.projector.Project(w.ctx, commits)
		for i, c := range commits {
			if errs[i] == nil {
				done = append(done, c)
			}
			failed = cmp.Or(failed, errs[i])
		}
	})
	for _, c := range done {
		w.done[c.CommandID] = w.done[c.CommandID] || whole
	}
	return failed
}

// rebuild does something about a rebuild of a view, as an operator and workers do at any
// time. What is refused or crashes is.
func (w *world) rebuild() {
	view, meta := views[w.random.IntN(2)], es.Meta{CommandID: fmt.Sprint(w.random.Uint64())}
	if len(w.running) == 0 && w.random.IntN(3) == 0 {
		// Leases run out, and now and then all that anybody knew of the generations is old. Not
		// while something is under way: no invocation takes that long.
		w.now = w.now.Add([]time.Duration{time.Minute, time.Minute, 11 * time.Minute}[w.random.IntN(3)])
	}
	w.execute(w.random.IntN(2), func(p process) {
		b := w.rebuilder(p)
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
	})
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
	err := b.Do(ctx, t, until)
	if err != nil || w.running[len(w.running)-1].dead || w.random.IntN(10) == 0 {
		w.sendAgain(t)
	}
}

func (w *world) sendAgain(t projection.Task) {
	t.Delay = 0
	fail := w.memory.Fail
	w.memory.Fail = nil
	must(w.memory.Send(w.ctx, t))
	w.memory.Fail = fail
}

func (w *world) rebuilder(p process) *projection.Rebuilder {
	own := &projection.Projector{
		Store: p.projector.Store, Rows: p.projector.Rows, Parked: p.projector.Parked, Generations: w.memory, Parallel: 1,
		Projections: p.projector.Projections, Now: w.clock,
	}
	return &projection.Rebuilder{
		Projector: own, Scanner: damaging{w.store, w.damaged}, Parts: w.memory, Queue: w.memory,
		Executor: &es.Executor{Repository: es.Repository{Store: w.store}, Now: w.clock},
	}
}

// redrive tries one of the parked streams again.
func (w *world) redrive() {
	if all := w.parked(); len(all) > 0 {
		one := all[w.random.IntN(len(all))]
		w.execute(w.random.IntN(2), func(p process) { p.projector.Redrive(w.ctx, one) })
	}
}

func (w *world) parked() []projection.Parked {
	all, _, err := w.memory.ListParked(w.ctx, "", 1000)
	must(err)
	return all
}

// disturb replaces a process, maybe by one with a fixed build, or damages a commit, or
// repairs it.
func (w *world) disturb() {
	switch n := w.random.IntN(2); w.random.IntN(4) {
	case 0:
		w.start(n, true)
	case 1:
		w.restart(n)
	case 2:
		if len(w.feed) > 0 {
			c := w.feed[w.random.IntN(len(w.feed))]
			if _, ok := w.tips[c.Stream]; ok {
				w.damaged[c.Stream] = c.Version
				w.bad["trail"][c.Stream], w.bad["lengths"][c.Stream] = true, true
			}
		}
	case 3:
		clear(w.damaged)
	}
}

// read reads a row, of any age or of at least the age that some writer has seen, and holds
// what comes to the clean fold. A read that waits for the projector lets time pass.
func (w *world) read() {
	streams := slices.Sorted(maps.Keys(w.tips))
	if len(streams) == 0 {
		return
	}
	s := streams[w.random.IntN(len(streams))]
	m := es.Moment{AtLeast: es.Version(w.random.IntN(1 + int(w.tips[s].Version())))}
	if w.random.IntN(2) == 0 {
		m.AtLeast = 0
	}
	if len(w.running) == 0 {
		w.now = w.now.Add(time.Second)
	}
	got, version, ok, err := w.readers.trail.Get(w.ctx, w.reader, s.ID(), m)
	switch unread := (*es.DamagedError)(nil); {
	case errors.As(err, &unread) && w.damaged[s] > 0:
	case err != nil || !ok || version < m.AtLeast || !slices.Contains(w.ends[s], version) || !slices.Equal(got, w.clean[s][:version]):
		w.fault = cmp.Or(w.fault, fmt.Errorf("a read of %s at least at %d gives version %d, %v, %v, error %v, want %v", s, m.AtLeast, version, ok, got, err, w.clean[s]))
	}
}

// damaging is a store in which some commits cannot be read.
type damaging struct {
	*estest.Memory
	damaged map[es.Stream]es.Version
}

func damage(c es.Commit) *es.DamagedError {
	return &es.DamagedError{Stream: c.Stream, Version: c.Version, Reason: "as told"}
}

func (d damaging) Read(ctx context.Context, s es.Stream, r es.Range) iter.Seq2[es.Commit, error] {
	return func(yield func(es.Commit, error) bool) {
		for c, err := range d.Memory.Read(ctx, s, r) {
			if err == nil && d.damaged[s] == c.Version {
				c, err = es.Commit{}, damage(c)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

func (d damaging) Scan(ctx context.Context, part, parts int, after []byte) iter.Seq2[es.Page, error] {
	return func(yield func(es.Page, error) bool) {
		for page, err := range d.Memory.Scan(ctx, part, parts, after) {
			for i, item := range page.Commits {
				if d.damaged[item.Stream()] == item.Commit.Version {
					page.Commits[i] = es.Scanned{Err: damage(item.Commit)}
				}
			}
			if !yield(page, err) {
				return
			}
		}
	}
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

// run runs a schedule to its end, at which every stream's last commit has been acknowledged;
// no other commit needs to have been delivered. By then everything is as a clean fold makes
// it, but for what is parked, and after the last fix and a redrive that is as well.
func (w *world) run() error {
	for range 6 + w.random.IntN(30) {
		w.happen()
	}
	w.calm = true
	if err := errors.Join(w.fault, w.finish(), w.acknowledge(), w.compare(), w.check(false)); err != nil {
		return err
	}
	return errors.Join(w.heal(), w.compare(), w.finished(), w.check(true))
}

// check wants the checker to agree with the comparison.
func (w *world) check(healed bool) (err error) {
	c := &projection.Checker{
		Projector: &projection.Projector{
			Store: damaging{w.store, w.damaged}, Rows: w.memory, Parked: w.memory, Generations: w.memory,
			Projections: []projection.Projection{&w.readers.trail, &w.readers.lengths},
		},
		Scanner: w.store, Stored: w.memory, Snapshots: new(estest.Snapshots),
	}
	all, failed := c.Check(w.ctx, func(f projection.Fault) {
		err = errors.Join(err, fmt.Errorf("the checker says of %+v: %s", f.Key, f.Reason))
	}, func(int) {})
	for _, one := range all {
		if one.Rows != len(w.tips) || one.Behind > 0 || healed && one.Parked+one.Unread > 0 {
			err = errors.Join(err, fmt.Errorf("the checker has found %+v", one))
		}
	}
	return errors.Join(err, failed)
}

// finish does all tasks, those that come of them as well, which brings all rebuilds to their
// end and leaves nothing of what was given up.
func (w *world) finish() (err error) {
	for range 1000 {
		w.now = w.now.Add(time.Minute)
		t, ok, left := w.memory.Take(func(int) int { return 0 })
		if left == 0 {
			return w.finished()
		}
		if !ok {
			continue
		}
		w.execute(0, func(p process) { err = w.rebuilder(p).Do(w.ctx, t, w.now.Add(time.Hour)) })
		if err != nil {
			return fmt.Errorf("%+v in calm: %w", t, err)
		}
	}
	return errors.New("there are tasks without an end")
}

func (w *world) finished() (err error) {
	w.tell()
	for _, view := range views {
		g := w.generations(view)
		if g.Building || g.DroppedAt != 0 {
			err = errors.Join(err, fmt.Errorf("%s is still being built or purged: %+v", view, g))
		}
		if left := w.memory.Holds(view, g.Dropped); len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("of %s, %+v, there still are %v", view, g, left))
		}
		if decided := w.decided[es.NewStream("view", view)]; g.Version != decided {
			err = errors.Join(err, fmt.Errorf("%s shows version %d of what was decided, of %d", view, g.Version, decided))
		}
	}
	return err
}

// acknowledge delivers the last commit of each stream, unless it has been acknowledged.
func (w *world) acknowledge() error {
	var last []es.Commit
	for _, c := range w.feed {
		if tip, ok := w.tips[c.Stream]; ok && c.Last() == tip.Version() && !w.done[c.CommandID] {
			last = append(last, c)
		}
	}
	if err := w.hand(0, last); err != nil {
		return fmt.Errorf("in calm: %w", err)
	}
	return nil
}

// heal repairs and fixes everything and drives what is parked again.
func (w *world) heal() (err error) {
	clear(w.damaged)
	for _, view := range views {
		clear(w.bad[view])
	}
	w.start(0, true)
	for _, one := range w.parked() {
		w.execute(0, func(p process) {
			if still, failed := p.projector.Redrive(w.ctx, one); still || failed != nil {
				err = errors.Join(err, fmt.Errorf("redrive of %+v: still parked %v, error %v", one, still, failed))
			}
		})
	}
	if left := w.parked(); len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("parked for ever: %+v", left))
	}
	return err
}

func (w *world) generations(view string) projection.Generations {
	all, err := w.memory.LoadGenerations(w.ctx)
	must(err)
	if g, ok := all[view]; ok {
		return g
	}
	return projection.First
}

// compare tells what differs from the clean fold, in every generation that is kept up.
func (w *world) compare() (all error) {
	notes := map[projection.Parked]bool{}
	for _, p := range w.parked() {
		notes[projection.Parked{View: p.View, Generation: p.Generation, Stream: p.Stream}] = true
	}
	for _, view := range views {
		g := w.generations(view)
		for _, generation := range slices.Compact([]int{g.Live, cmp.Or(g.Other, g.Live)}) {
			reached := map[es.Stream]es.Version{}
			for s, want := range w.clean {
				row, same, err := w.stored(projection.Key{View: view, Generation: generation, ID: s.ID()}, want)
				reached[s] = row.Version
				noted := notes[projection.Parked{View: view, Generation: generation, Stream: s}]
				whole := row == projection.Row{Version: w.tips[s].Version()}
				parked := w.bad[view][s] && row.Version < w.tips[s].Version() && row.Parked > 0 && noted
				if err != nil || !same || !whole && !parked {
					all = errors.Join(all, fmt.Errorf("generation %d of %s of %s: %+v, noted %v, error %v, as folded %v, want version %d", generation, view, s, row, noted, err, same, w.tips[s].Version()))
				}
			}
			r := &projection.Reader{Rows: w.memory, Generations: only{w.memory, view, generation}, Now: w.clock}
			if view == "lengths" {
				all = errors.Join(all, w.compareTotals(r, reached))
			} else {
				all = errors.Join(all, w.compareList(r, reached))
			}
		}
	}
	return all
}

// stored loads a row and tells whether it is what the events up to its version come to.
func (w *world) stored(k projection.Key, clean []string) (row projection.Row, same bool, err error) {
	if k.View == "lengths" {
		var n int
		row, err = w.memory.Load(w.ctx, k, &n, true)
		return row, n == int(row.Version), err
	}
	var got []string
	row, err = w.memory.Load(w.ctx, k, &got, true)
	return row, int(row.Version) <= len(clean) && slices.Equal(got, clean[:row.Version]), err
}

// only says that one generation is the live one.
type only struct {
	projection.GenerationStore
	view string
	live int
}

func (o only) LoadGenerations(context.Context) (map[string]projection.Generations, error) {
	return map[string]projection.Generations{o.view: {Live: o.live}}, nil
}

func (w *world) compareTotals(r *projection.Reader, reached map[es.Stream]es.Version) (all error) {
	sums, longest := map[string]map[string]int64{"all": {}}, 0
	for s, version := range reached {
		for total, numbers := range count(int(version)) {
			for name, n := range numbers {
				if sums[total] == nil {
					sums[total] = map[string]int64{}
				}
				sums[total][name] += n
			}
		}
		longest = max(longest, len(w.clean[s]))
	}
	for n := range longest + 1 {
		total := fmt.Sprint(n)
		if n == 0 {
			total = "all"
		}
		got, err := w.readers.lengths.Total(w.ctx, r, total)
		maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
		if err != nil || len(got)+len(sums[total]) > 0 && !reflect.DeepEqual(got, sums[total]) {
			all = errors.Join(all, fmt.Errorf("total %s is %v, error %v, want %v", total, got, err, sums[total]))
		}
	}
	return all
}

func (w *world) compareList(r *projection.Reader, reached map[es.Stream]es.Version) error {
	rows, _, err := w.readers.trail.List(w.ctx, r, projection.Query{Partition: partitions, Limit: 100})
	var got, want []string
	for _, row := range rows {
		got = append(got, strings.Join(row, ","))
	}
	for s, version := range reached {
		if row := w.clean[s][:version]; placeOf(row).Partition != "" {
			want = append(want, strings.Join(row, ","))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("list %v, error %v, want %v", got, err, want)
	}
	return nil
}
