package projection

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// Generations says which generations of a view there are. A rebuild fills a new one while
// the live one is read; after the switch the former is kept up as well, so that the way back
// is as short. It is what the events of the view's own stream, "view#<name>", add up to; the
// zero value is that of a view that was never rebuilt, like [First].
type Generations struct {
	Live  int // is read
	Other int // is kept up besides; 0: none
	// Building is true until the rebuild of Other has come to its end.
	Building bool
	Newest   int // the highest number ever given, so that none is given twice

	// What is stored has these two besides.
	Version   es.Version // of the view's stream that it shows
	DroppedAt int64      // when it last showed that a generation is given up, in Unix milliseconds; 0: nothing is left of any
}

// First is what a view has that was never rebuilt.
var First = Generations{Live: 1, Newest: 1}

// Evolve implements [es.State].
func (g Generations) Evolve(e events.View) Generations {
	g = g.orFirst()
	switch e := e.(type) {
	case events.ViewRebuildStarted:
		g.Other, g.Newest, g.Building = e.Generation, e.Generation, true
	case events.ViewRebuilt:
		g.Building = false
	case events.ViewSwitched:
		g.Live, g.Other = e.Generation, g.Live
	case events.ViewRolledBack:
		g.Live, g.Other = e.Generation, g.Live
	case events.ViewGenerationDropped:
		g.Other, g.Building = 0, false
	}
	return g
}

func (g Generations) orFirst() Generations {
	if g.Live == 0 {
		return First
	}
	return g
}

func (g Generations) active() []int {
	if g.Other == 0 {
		return []int{g.Live}
	}
	return []int{g.Live, g.Other}
}

// Dropped reports whether a generation was given up. It will never be active again.
func (g Generations) Dropped(generation int) bool {
	return generation <= g.Newest && !slices.Contains(g.active(), generation)
}

// GenerationStore keeps the generations of all views.
type GenerationStore interface {
	// LoadGenerations gives the generations of every view that was ever rebuilt. The read is
	// consistent.
	LoadGenerations(ctx context.Context) (map[string]Generations, error)
	// ChangeGenerations replaces one view's generations if they still are what they were, else the
	// error is [es.ErrConflict].
	ChangeGenerations(ctx context.Context, view string, was, now Generations) error
}

func of(all map[string]Generations, view string) Generations {
	if g, ok := all[view]; ok {
		return g
	}
	return First
}

// Reader finds what queries read.
type Reader struct {
	Store       es.Store
	Rows        Rows
	Generations GenerationStore
	Now         func() time.Time

	mu     sync.Mutex
	kept   map[string]Generations
	keptAt time.Time
}

// stale is how old a reader's knowledge of the generations may be. For longer than that, a
// generation is kept up that is not live any more.
const stale = 5 * time.Second

func (r *Reader) generation(ctx context.Context, view string) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.Now(); r.kept == nil || now.Sub(r.keptAt) > stale {
		all, err := r.Generations.LoadGenerations(ctx)
		if err != nil {
			return 0, err
		}
		r.kept, r.keptAt = all, now
	}
	return of(r.kept, view).Live, nil
}

// Rebuilds is the projection that shows in the [GenerationStore] what was decided about the
// generations of the views. Whoever decides brings it up to that as well; the stream makes
// sure of it.
var Rebuilds Projection = rebuilds{}

type rebuilds struct{}

// viewCategory is that of the streams on which rebuilds are decided.
const viewCategory = "view"

func (rebuilds) name() string            { return "rebuilds" }
func (rebuilds) covers(s es.Stream) bool { return s.Category() == viewCategory }
func (rebuilds) wakes([]es.Commit) bool  { return true }
func (rebuilds) generational() bool      { return false }

func (rebuilds) follow(ctx context.Context, p *Projector, _ int, s es.Stream, commits []es.Commit) (saved, error) {
	return saved{}, retry(ctx, func() error {
		all, err := p.Generations.LoadGenerations(ctx)
		if err != nil {
			return err
		}
		was := of(all, s.ID())
		f := folding[Generations]{row: was, version: was.Version, apply: func(g Generations, e es.Recorded) Generations {
			return g.Evolve(e.Event.(events.View))
		}}
		obstacle := catchUp(ctx, p.Store, s, &f, commits)
		if f.version == was.Version {
			return obstacle
		}
		now := f.row
		now.Version = f.version
		if slices.ContainsFunc(was.active(), now.Dropped) {
			// A later drop has to have another time, whatever the clocks say.
			now.DroppedAt = max(p.Now().UnixMilli(), was.DroppedAt+1)
		}
		if err := p.Generations.ChangeGenerations(ctx, s.ID(), was, now); err != nil {
			return err
		}
		return obstacle
	})
}

func (rebuilds) fresh(int, es.Stream, []es.Commit) (c Change, ok bool) { return c, false }

// park leaves the mark to the version, which is behind that of the stream.
func (rebuilds) park(context.Context, *Projector, int, es.Stream, es.Version, es.Version) (bool, error) {
	return false, nil
}

func (rebuilds) parked(ctx context.Context, p *Projector, generation int, s es.Stream) (bool, error) {
	all, err := p.Generations.LoadGenerations(ctx)
	if err != nil {
		return false, err
	}
	shown := of(all, s.ID()).Version
	for newest, err := range p.Store.Read(ctx, s, es.Range{Backward: true, Limit: 1}) {
		if err != nil || newest.Last() > shown {
			return true, err
		}
	}
	return false, p.Parked.Unpark(ctx, rebuilds{}.name(), generation, s, shown)
}
