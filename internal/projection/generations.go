package projection

import (
	"context"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Generations says which generations of a view there are. A rebuild fills a new one while
// the live one is read; after the switch the former is kept up as well, so that the way back
// is as short.
type Generations struct {
	Live  int // is read
	Other int // is kept up besides; 0: none
	// Building is true until the rebuild of Other has come to its end.
	Building bool
	Newest   int // the highest number ever given, so that none is given twice
}

// First is what a view has that was never rebuilt.
var First = Generations{Live: 1, Newest: 1}

func (g Generations) active() []int {
	if g.Other == 0 {
		return []int{g.Live}
	}
	return []int{g.Live, g.Other}
}

// GenerationStore keeps the generations of all views.
type GenerationStore interface {
	// LoadGenerations gives the generations of every view that was ever rebuilt. The read is consistent.
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
