package projection

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/interview-sandbox/annals/internal/es"
)

// Stored is a row as it is stored.
type Stored struct {
	Key    Key
	Row    Row
	Places [Lists]Place
	Decode func(into any) error
	Total  map[string]int64 // not nil: it is not a row but a total
}

// StoredRows gives what is stored of all views.
type StoredRows interface {
	// LoadAll gives those of the rows that are there. The reads are consistent.
	LoadAll(ctx context.Context, keys []Key) (map[Key]Stored, error)
	// ScanAll gives one of several parts of all rows and totals. Iteration ends at the first
	// error.
	ScanAll(ctx context.Context, part, parts int) iter.Seq2[Stored, error]
}

// Checker compares what is stored of the projections with the clean fold of the events: what
// folding each stream from its beginning comes to. It may run beside everything else. Of many
// streams it keeps nothing but sums.
type Checker struct {
	*Projector
	Scanner   es.Scanner
	Stored    StoredRows
	Snapshots es.SnapshotScanner
}

// Checked is what was found of one generation of a view, or of snapshots.
type Checked struct {
	View       string
	Generation int        // 0: there are none
	Live       bool       // it is read
	Rows       int        // that there have to be, one for each stream; of snapshots, those that there are
	Behind     int        // rows that are not at their stream's newest version, and not parked
	Lag        es.Version // the most versions that a row is behind
	Parked     int
	Unread     int // rows that show what cannot be read, as of damaged commits, and so not be checked
	Bad        int
}

// Fault is something that no order of events explains.
type Fault struct {
	Key    Key
	Reason string
}

// checkable is a projection with a row for each stream.
type checkable interface {
	Projection
	// stream is that of a row.
	stream(id string) es.Stream
	// clean begins a clean fold of a stream.
	clean(generation int, s es.Stream) clean
}

// checkedTarget is a generation of a projection.
type checkedTarget struct {
	checkable
	generation int
}

func (t checkedTarget) key(s es.Stream) Key { return Key{t.name(), t.generation, s.ID()} }

// checks is in how many parts a check reads, side by side.
const checks = 4

// Check checks every generation of every view that is not being built, and hands over each
// fault. progress is told how often a row has been looked at: twice each, once for its stream
// and once for its data. Both are called by one at a time.
func (c *Checker) Check(ctx context.Context, fault func(Fault), progress func(looks int)) ([]Checked, error) {
	generations, err := c.Generations.LoadGenerations(ctx)
	if err != nil {
		return nil, err
	}
	k := &check{Checker: c, fault: fault, progress: progress, found: map[Key]*Checked{}, sums: map[Key]map[string]int64{}, totals: map[Key]map[string]int64{}}
	for _, p := range c.Projections {
		if s, ok := p.(snapshots); ok {
			k.found[Key{View: s.name()}] = &Checked{View: s.name(), Live: true}
		}
		p, ok := p.(checkable)
		if !ok {
			continue
		}
		g := of(generations, p.name())
		for _, n := range g.active() {
			if n == g.Live || !g.Building {
				k.targets = append(k.targets, checkedTarget{p, n})
				k.found[Key{View: p.name(), Generation: n}] = &Checked{View: p.name(), Generation: n, Live: n == g.Live}
			}
		}
	}
	for _, pass := range []func(context.Context, int) error{k.rows, k.streams, k.snapshots} {
		if err := inParts(ctx, checks, pass); err != nil {
			return nil, err
		}
	}
	if err := k.compareTotals(ctx); err != nil {
		return nil, err
	}
	var all []Checked
	for _, found := range k.found {
		all = append(all, *found)
	}
	slices.SortFunc(all, func(a, b Checked) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Generation, b.Generation))
	})
	return all, nil
}

// inParts calls do for every part until one of them fails.
func inParts(ctx context.Context, parts int, do func(ctx context.Context, part int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for part := range parts {
		wg.Go(func() {
			if err := do(ctx, part); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// check is a check under way.
type check struct {
	*Checker
	fault    func(Fault)
	progress func(int)
	targets  []checkedTarget

	mu     sync.Mutex
	looked int
	found  map[Key]*Checked         // by view and generation
	totals map[Key]map[string]int64 // as they were before the streams were read
	sums   map[Key]map[string]int64 // what they have to be
}

func (k *check) bad(key Key, format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.found[Key{View: key.View, Generation: key.Generation}].Bad++
	k.fault(Fault{key, fmt.Sprintf(format, args...)})
}

func (k *check) look(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looked += n
	k.progress(k.looked)
}

// rows looks for rows without a stream, and remembers the totals.
func (k *check) rows(ctx context.Context, part int) error {
	for stored, err := range k.Stored.ScanAll(ctx, part, checks) {
		if err != nil {
			return fmt.Errorf("check the rows: %w", err)
		}
		i := slices.IndexFunc(k.targets, func(t checkedTarget) bool {
			return t.name() == stored.Key.View && t.generation == stored.Key.Generation
		})
		switch {
		case i < 0:
		case stored.Total != nil:
			k.mu.Lock()
			k.totals[stored.Key] = stored.Total
			k.mu.Unlock()
		default:
			there, err := k.exists(ctx, k.targets[i].stream(stored.Key.ID))
			if err != nil {
				return err
			}
			k.look(1)
			if !there {
				k.bad(stored.Key, "it is of a stream that does not exist")
			}
		}
	}
	return nil
}

func (k *check) exists(ctx context.Context, s es.Stream) (bool, error) {
	for _, err := range k.Store.Read(ctx, s, es.Range{Limit: 1}) {
		if _, forGood := deterministic(err, 0); err != nil && !forGood {
			return false, err
		}
		return true, nil
	}
	return false, nil
}

// batchOfStreams is of how many streams the rows are loaded together.
const batchOfStreams = 50

// streams checks the rows of every stream.
func (k *check) streams(ctx context.Context, part int) error {
	var batch []es.Stream
	last := es.Stream("")
	for page, err := range k.Scanner.Scan(ctx, part, checks, nil) {
		if err != nil {
			return fmt.Errorf("check the streams: %w", err)
		}
		for _, item := range page.Commits {
			if s := item.Stream(); s != last {
				last = s
				batch = append(batch, s)
			}
			if len(batch) == batchOfStreams {
				if err := k.batch(ctx, batch); err != nil {
					return err
				}
				batch = nil
			}
		}
	}
	return k.batch(ctx, batch)
}

func (k *check) batch(ctx context.Context, streams []es.Stream) error {
	var all []Key
	for _, s := range streams {
		for _, t := range k.targets {
			if t.covers(s) {
				all = append(all, t.key(s))
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	stored, err := k.Stored.LoadAll(ctx, all)
	if err != nil {
		return fmt.Errorf("check the rows: %w", err)
	}
	for _, s := range streams {
		if err := k.stream(ctx, s, stored); err != nil {
			return fmt.Errorf("check the streams: %w", err)
		}
	}
	k.look(len(all))
	return nil
}

// clean is a stream's part of a projection as folding makes it.
type clean interface {
	add(es.Commit) error
	reached() es.Version
	// differs says in what a stored row is not as folded; "" if it is.
	differs(Stored) string
	// totals is what the row adds to totals.
	totals() []Delta
}

// verdict is what is found of a row while its stream is folded.
type verdict struct {
	key      Key
	clean    clean
	stored   Stored
	obstacle error
	met      bool // the fold has come to the row's version
	reason   string
	sum      []Delta
}

// compare compares the row as soon as the fold has come to its version.
func (v *verdict) compare() {
	if v.met || v.clean.reached() != v.stored.Row.Version {
		return
	}
	v.met, v.sum = true, v.clean.totals()
	if v.stored.Decode != nil {
		v.reason = v.clean.differs(v.stored)
	}
}

// stream checks the rows of one stream, which have been loaded before it is read, so that
// none of them can be ahead of it.
func (k *check) stream(ctx context.Context, s es.Stream, stored map[Key]Stored) error {
	var rows []*verdict
	for _, t := range k.targets {
		if t.covers(s) {
			v := &verdict{key: t.key(s), clean: t.clean(t.generation, s), stored: stored[t.key(s)]}
			v.compare()
			rows = append(rows, v)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	var tip es.Version
	for c, err := range k.Store.Read(ctx, s, es.Range{}) {
		version, forGood := deterministic(err, tip+1)
		switch {
		case forGood:
			tip = max(tip, version) // there is something
		case err != nil:
			return err
		default:
			tip = c.Last()
		}
		for _, v := range rows {
			if v.obstacle == nil {
				if v.obstacle = err; err == nil {
					v.obstacle = v.clean.add(c)
				}
				v.compare()
			}
		}
	}
	for _, v := range rows {
		if err := k.judge(ctx, tip, v); err != nil {
			return err
		}
	}
	return nil
}

func (k *check) judge(ctx context.Context, tip es.Version, v *verdict) error {
	row := v.stored.Row
	unread := v.obstacle != nil && !v.met && row.Version > v.clean.reached()
	switch {
	case unread:
	case row.Version > tip:
		k.bad(v.key, "it shows version %d of a stream that ends at %d", row.Version, tip)
	case !v.met:
		k.bad(v.key, "it shows version %d, at which no commit ends", row.Version)
	case v.reason != "":
		k.bad(v.key, "version %d %s", row.Version, v.reason)
	}
	parked := row.Parked > 0
	if parked {
		still, err := k.noted(ctx, v)
		if err != nil {
			return err
		}
		if !still {
			k.bad(v.key, "it is marked as parked, and nothing is noted about it")
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	found := k.found[Key{View: v.key.View, Generation: v.key.Generation}]
	found.Rows++
	switch {
	case unread:
		found.Unread++
	case parked:
		found.Parked++
	case row.Version < tip:
		found.Behind++
		found.Lag = max(found.Lag, tip-row.Version)
	}
	for _, d := range v.sum {
		if k.sums[d.Key] == nil {
			k.sums[d.Key] = map[string]int64{}
		}
		for name, n := range d.Add {
			k.sums[d.Key][name] += n
		}
	}
	return nil
}

// noted reports whether there is a note about a row that is marked, or the row is not marked
// any more.
func (k *check) noted(ctx context.Context, v *verdict) (bool, error) {
	for after := ""; ; {
		page, next, err := k.Parked.ListParked(ctx, after, 100)
		if err != nil {
			return false, err
		}
		for _, p := range page {
			if p.View == v.key.View && p.Generation == v.key.Generation && p.Stream.ID() == v.key.ID {
				return true, nil
			}
		}
		if after = next; next == "" {
			break
		}
	}
	now, err := k.Stored.LoadAll(ctx, []Key{v.key})
	return now[v.key].Row != v.stored.Row, err
}

// compareTotals compares the totals with what the rows add up to, if all of these are known.
// A total that changes meanwhile proves nothing.
func (k *check) compareTotals(ctx context.Context) error {
	for key := range k.sums {
		if k.totals[key] == nil {
			k.totals[key] = map[string]int64{}
		}
	}
	for key, before := range k.totals {
		want := k.sums[key]
		if k.found[Key{View: key.View, Generation: key.Generation}].Unread > 0 || sameNumbers(before, want) {
			continue
		}
		now, err := k.Rows.Total(ctx, key)
		if err != nil {
			return err
		}
		if sameNumbers(before, now) {
			k.bad(key, "it is %v, and the rows add up to %v", before, want)
		}
	}
	return nil
}

// snapshots checks every snapshot.
func (k *check) snapshots(ctx context.Context, part int) error {
	for stored, err := range k.Snapshots.ScanAll(ctx, part, checks) {
		if err != nil {
			return err
		}
		for _, p := range k.Projections {
			s, ok := p.(snapshots)
			if !ok || !s.covers(stored.Stream) {
				continue
			}
			key := Key{View: s.name(), ID: stored.Stream.ID()}
			fault, err := s.Check(ctx, stored)
			_, unread := deterministic(err, 0)
			if err != nil && !unread {
				return err
			}
			if fault != "" {
				k.bad(key, "version %d: %s", stored.Version, fault)
			}
			k.mu.Lock()
			found := k.found[Key{View: key.View}]
			if found.Rows++; unread {
				found.Unread++
			}
			k.mu.Unlock()
		}
	}
	return nil
}

func sameNumbers(a, b map[string]int64) bool {
	zero := func(_ string, n int64) bool { return n == 0 }
	a, b = maps.Clone(a), maps.Clone(b)
	maps.DeleteFunc(a, zero)
	maps.DeleteFunc(b, zero)
	return maps.Equal(a, b)
}

// cleanRow is a row on its way through the whole stream.
type cleanRow[R any] struct {
	folding[R]
	stream es.Stream
	change func(was, now R, s es.Stream) Change
}

func newClean[R any](s es.Stream, apply func(R, es.Recorded) R, change func(was, now R, s es.Stream) Change) clean {
	return &cleanRow[R]{folding[R]{apply: apply}, s, change}
}

func (c *cleanRow[R]) fromNothing() Change {
	var none R
	return c.change(none, c.row, c.stream)
}

func (c *cleanRow[R]) totals() []Delta { return c.fromNothing().Totals }

func (c *cleanRow[R]) differs(stored Stored) string {
	var row R
	if err := stored.Decode(&row); err != nil {
		return fmt.Sprintf("cannot be read: %v", err)
	}
	want := c.fromNothing()
	var parts []string
	for i := range Lists {
		if s, w := stored.Places[i], want.Places[i]; s != w && !(s.Nowhere() && w.Nowhere()) {
			parts = append(parts, fmt.Sprintf("its place in list %d", i+1))
		}
	}
	got, err := json.Marshal(row)
	clean, err2 := json.Marshal(want.Data)
	if err != nil || err2 != nil || !bytes.Equal(got, clean) {
		parts = append(parts, fieldsThatDiffer(got, clean))
	}
	if len(parts) == 0 {
		return ""
	}
	return "is not as folded: " + strings.Join(parts, ", ")
}

// fieldsThatDiffer names fields, but tells nothing of what is in them.
func fieldsThatDiffer(a, b []byte) string {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return "its data"
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(y)) {
		if !reflect.DeepEqual(x[name], y[name]) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
