// Package projectiontest helps to test what is built on projections: stores in memory that
// fail on demand, and the contract that every store of rows has to keep.
package projectiontest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

// Memory is a real store of rows, of what is parked, of generations and parts of rebuilds, of
// deadlines, and a queue of tasks, all in memory. Its zero value is ready.
type Memory struct {
	// Fail, if set, is asked before every write, and again after it, and may return an error
	// for the writer to get. Nothing is locked meanwhile, so others may write.
	Fail func(after bool) error
	// Now is the clock by which tasks come up that have a delay; nil: it stands still.
	Now func() time.Time

	mu          sync.Mutex
	rows        map[projection.Key]stored
	totals      map[projection.Key]map[string]int64
	parked      map[parkedKey]projection.Parked
	generations map[string]projection.Generations
	parts       map[partKey]projection.Part
	tasks       []delayed
	deadlines   map[deadlineKey]projection.Deadline
}

type delayed struct {
	projection.Task
	until time.Time
}

type deadlineKey struct {
	id     string
	at     int64 // in milliseconds; 0: it is parked
	parked bool
}

func keyOf(d projection.Deadline) deadlineKey {
	if d.Parked {
		return deadlineKey{d.ID, 0, true}
	}
	return deadlineKey{d.ID, d.At.UnixMilli(), false}
}

type partKey struct {
	view             string
	generation, part int
}

type stored struct {
	row    projection.Row
	data   []byte
	places [projection.Lists]projection.Place
}

type parkedKey struct {
	view       string
	generation int
	stream     es.Stream
}

// ErrInjected is what a store that was told to fail fails with.
var ErrInjected = errors.New("injected fault")

// write makes a change unless Fail has something against it.
func (m *Memory) write(change func() error) error {
	if err := m.fail(false); err != nil {
		return err
	}
	m.mu.Lock()
	err := change()
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return m.fail(true)
}

func (m *Memory) fail(after bool) error {
	if m.Fail == nil {
		return nil
	}
	return m.Fail(after)
}

// Load implements [projection.Rows].
func (m *Memory) Load(_ context.Context, k projection.Key, into any, _ bool) (projection.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.rows[k]
	if !ok {
		return projection.Row{}, nil
	}
	if err := json.Unmarshal(s.data, into); err != nil {
		return s.row, fmt.Errorf("%w: %w", projection.ErrShape, err)
	}
	return s.row, nil
}

// Save implements [projection.Rows].
func (m *Memory) Save(_ context.Context, c projection.Change) error {
	data, err := json.Marshal(c.Data)
	if err != nil {
		return err
	}
	return m.write(func() error {
		if m.rows[c.Key].row != c.Was {
			return es.ErrConflict
		}
		if len(data) > es.MaxCommitBytes {
			return es.ErrTooLarge
		}
		if m.rows == nil {
			m.rows, m.totals = map[projection.Key]stored{}, map[projection.Key]map[string]int64{}
		}
		m.rows[c.Key] = stored{c.Now, data, c.Places}
		for _, d := range c.Totals {
			if m.totals[d.Key] == nil {
				m.totals[d.Key] = map[string]int64{}
			}
			for name, n := range d.Add {
				m.totals[d.Key][name] += n
			}
		}
		return nil
	})
}

// Insert implements [projection.Rows].
func (m *Memory) Insert(ctx context.Context, changes []projection.Change) (refused []int, err error) {
	for i, c := range changes {
		switch err := m.Save(ctx, c); {
		case errors.Is(err, es.ErrConflict), errors.Is(err, es.ErrTooLarge):
			refused = append(refused, i)
		case err != nil:
			return nil, err
		}
	}
	return refused, nil
}

// LoadAll implements [projection.StoredRows].
func (m *Memory) LoadAll(_ context.Context, keys []projection.Key) (map[projection.Key]projection.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[projection.Key]projection.Stored{}
	for _, k := range keys {
		if s, ok := m.rows[k]; ok {
			all[k] = s.as(k)
		}
	}
	return all, nil
}

func (s stored) as(k projection.Key) projection.Stored {
	return projection.Stored{Key: k, Row: s.row, Places: s.places, Decode: func(into any) error { return json.Unmarshal(s.data, into) }}
}

// ScanAll implements [projection.StoredRows]. All is in the first part.
func (m *Memory) ScanAll(_ context.Context, part, _ int) iter.Seq2[projection.Stored, error] {
	var all []projection.Stored
	m.mu.Lock()
	for k, s := range m.rows {
		all = append(all, s.as(k))
	}
	for k, numbers := range m.totals {
		all = append(all, projection.Stored{Key: k, Total: maps.Clone(numbers)})
	}
	m.mu.Unlock()
	return func(yield func(projection.Stored, error) bool) {
		for _, s := range all {
			if part > 0 || !yield(s, nil) {
				return
			}
		}
	}
}

// List implements [projection.Rows].
func (m *Memory) List(_ context.Context, q projection.Listing, each func(func(any) error) error) (string, error) {
	type entry struct {
		place, id string
		data      []byte
	}
	var all []entry
	m.mu.Lock()
	for k, s := range m.rows {
		p := s.places[q.List]
		if k.View == q.View && k.Generation == q.Generation && !p.Nowhere() && p.Partition == q.Partition && strings.HasPrefix(p.Sort, q.Prefix) {
			all = append(all, entry{p.Sort + "\x00" + k.ID, k.ID, s.data})
		}
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.place, b.place) })
	if q.Veiled && q.After != "" {
		last := slices.IndexFunc(all, func(e entry) bool { return e.id == q.After })
		if last < 0 {
			return "", projection.ErrPlace
		}
		q.After = all[last].place
	}
	n := 0
	for i, e := range all {
		if e.place <= q.After {
			continue
		}
		if n == q.Limit && q.Veiled {
			return all[i-1].id, nil
		}
		if n == q.Limit {
			return all[i-1].place, nil
		}
		n++
		if err := each(func(into any) error { return json.Unmarshal(e.data, into) }); err != nil {
			return "", err
		}
	}
	return "", nil
}

// Total implements [projection.Rows].
func (m *Memory) Total(_ context.Context, k projection.Key) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.totals[k]), nil
}

// Park implements [projection.ParkedStore].
func (m *Memory) Park(_ context.Context, p projection.Parked) error {
	return m.write(func() error {
		k := parkedKey{p.View, p.Generation, p.Stream}
		if was, ok := m.parked[k]; ok {
			if was.Version > p.Version {
				return nil
			}
			p.FirstAt, p.Attempts = was.FirstAt, was.Attempts+1
		}
		if m.parked == nil {
			m.parked = map[parkedKey]projection.Parked{}
		}
		m.parked[k] = p
		return nil
	})
}

// Unpark implements [projection.ParkedStore].
func (m *Memory) Unpark(_ context.Context, view string, generation int, s es.Stream, through es.Version) error {
	return m.write(func() error {
		if k := (parkedKey{view, generation, s}); m.parked[k].Version <= through {
			delete(m.parked, k)
		}
		return nil
	})
}

// ListParked implements [projection.ParkedStore].
func (m *Memory) ListParked(_ context.Context, after string, limit int) (page []projection.Parked, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	place := func(k parkedKey) string { return fmt.Sprintf("%s.%d#%s", k.view, k.generation, k.stream) }
	all := map[string]projection.Parked{}
	for k, p := range m.parked {
		all[place(k)] = p
	}
	last := ""
	for _, at := range slices.Sorted(maps.Keys(all)) {
		if at <= after {
			continue
		}
		if len(page) == limit {
			return page, last, nil
		}
		page, last = append(page, all[at]), at
	}
	return page, "", nil
}

// LoadGenerations implements [projection.GenerationStore].
func (m *Memory) LoadGenerations(context.Context) (map[string]projection.Generations, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.generations), nil
}

// ChangeGenerations implements [projection.GenerationStore].
func (m *Memory) ChangeGenerations(_ context.Context, view string, was, now projection.Generations) error {
	return m.write(func() error {
		there, ok := m.generations[view]
		if !ok {
			there = projection.First
		}
		if there != was {
			return es.ErrConflict
		}
		if m.generations == nil {
			m.generations = map[string]projection.Generations{}
		}
		m.generations[view] = now
		return nil
	})
}

// LoadParts implements [projection.PartStore].
func (m *Memory) LoadParts(_ context.Context, view string, generation int) (all []projection.Part, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for part := range projection.Parts {
		if p, ok := m.parts[partKey{view, generation, part}]; ok {
			all = append(all, p)
		}
	}
	return all, nil
}

// SavePart implements [projection.PartStore].
func (m *Memory) SavePart(_ context.Context, p projection.Part) error {
	return m.write(func() error {
		k := partKey{p.View, p.Generation, p.Part}
		if m.parts[k].Revision != p.Revision-1 {
			return es.ErrConflict
		}
		if m.parts == nil {
			m.parts = map[partKey]projection.Part{}
		}
		m.parts[k] = p
		return nil
	})
}

// purgePage is how much a page of a purge looks at.
const purgePage = 2

// Purge implements [projection.Rows].
func (m *Memory) Purge(_ context.Context, view string, dropped func(int) bool, after []byte) (next []byte, err error) {
	err = m.write(func() error {
		removals := map[string]func(){} // by the place of what they remove
		for k := range m.rows {
			removals["row "+place(k)] = func() { delete(m.rows, k) }
		}
		for k := range m.totals {
			removals["total "+place(k)] = func() { delete(m.totals, k) }
		}
		for k := range m.parts {
			p := projection.Key{View: k.view, Generation: k.generation, ID: fmt.Sprint(k.part)}
			removals["part "+place(p)] = func() { delete(m.parts, k) }
		}
		seen := 0
		for _, at := range slices.Sorted(maps.Keys(removals)) {
			if at <= string(after) {
				continue
			}
			if seen++; seen > purgePage {
				return nil
			}
			next = []byte(at)
			var kind, of string
			var generation int
			fmt.Sscan(at, &kind, &of, &generation)
			if of == view && generation > 0 && dropped(generation) {
				removals[at]()
			}
		}
		next = nil
		return nil
	})
	return next, err
}

func place(k projection.Key) string { return fmt.Sprint(k.View, " ", k.Generation, " ", k.ID) }

// Holds lists the rows, totals, parts of rebuilds and parked streams of a view's generations
// of which dropped is true.
func (m *Memory) Holds(view string, dropped func(int) bool) (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	note := func(kind, of string, generation int, id any) {
		if of == view && generation > 0 && dropped(generation) {
			all = append(all, fmt.Sprint(kind, " ", id, " of generation ", generation))
		}
	}
	for k := range m.rows {
		note("row", k.View, k.Generation, k.ID)
	}
	for k := range m.totals {
		note("total", k.View, k.Generation, k.ID)
	}
	for k := range m.parts {
		note("part", k.view, k.generation, k.part)
	}
	for k := range m.parked {
		note("parked", k.view, k.generation, k.stream)
	}
	slices.Sort(all)
	return all
}

// Send implements [projection.Queue].
func (m *Memory) Send(_ context.Context, tasks ...projection.Task) error {
	for _, t := range tasks {
		err := m.write(func() error {
			m.tasks = append(m.tasks, delayed{t, m.now().Add(t.Delay)})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Take takes a task out of the queue: of those whose delay is over, the one that pick chooses
// by its place. One that fails has to be sent again. left is how many there were.
func (m *Memory) Take(pick func(n int) int) (t projection.Task, ok bool, left int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []int
	for i, d := range m.tasks {
		if !d.until.After(m.now()) {
			due = append(due, i)
		}
	}
	if len(due) == 0 {
		return t, false, len(m.tasks)
	}
	i := due[pick(len(due))]
	t, left = m.tasks[i].Task, len(m.tasks)
	m.tasks = slices.Delete(m.tasks, i, i+1)
	return t, true, left
}

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Time{}
	}
	return m.Now()
}

// SetDeadline implements [projection.DeadlineStore].
func (m *Memory) SetDeadline(_ context.Context, d projection.Deadline) error {
	return m.write(func() error {
		if m.deadlines == nil {
			m.deadlines = map[deadlineKey]projection.Deadline{}
		}
		key := keyOf(d)
		if _, there := m.deadlines[key]; !there || d.Decided > 0 || d.Parked {
			m.deadlines[key] = d
		}
		return nil
	})
}

// ClearDeadline implements [projection.DeadlineStore].
func (m *Memory) ClearDeadline(_ context.Context, d projection.Deadline) error {
	return m.write(func() error {
		delete(m.deadlines, keyOf(d))
		return nil
	})
}

// ListDue implements [projection.DeadlineStore].
func (m *Memory) ListDue(_ context.Context, shard int, by time.Time, after string, limit int) (page []projection.Deadline, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]projection.Deadline{}
	for _, d := range m.deadlines {
		if place := fmt.Sprintf("%020d %s", d.At.UnixMilli(), d.ID); d.Shard() == shard && !d.Parked && !d.At.After(by) && place > after {
			all[place] = d
		}
	}
	last := ""
	for _, place := range slices.Sorted(maps.Keys(all)) {
		if len(page) == limit {
			return page, last, nil
		}
		page, last = append(page, all[place]), place
	}
	return page, "", nil
}

// LoadParkedDeadline implements [projection.DeadlineStore].
func (m *Memory) LoadParkedDeadline(_ context.Context, id string) (projection.Deadline, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.deadlines[keyOf(projection.Deadline{ID: id, Parked: true})]
	return d, ok, nil
}
