package projection

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
)

// The refusals of Rebuilder.
var (
	ErrNoView     = &es.Error{Kind: es.NotFound, Code: "not-found", Message: "There is no such view."}
	ErrRebuilding = &es.Error{Kind: es.Conflict, Code: "view-rebuilding", Message: "This view is being rebuilt. Wait for it, or cancel it."}
	ErrNotRebuilt = &es.Error{Kind: es.Conflict, Code: "view-not-rebuilt", Message: "There is no finished rebuild of this view to switch to."}
	ErrNoWayBack  = &es.Error{Kind: es.Conflict, Code: "view-no-rollback", Message: "There is no earlier generation of this view to go back to."}
	ErrNothing    = &es.Error{Kind: es.Conflict, Code: "view-nothing-to-cancel", Message: "This view has one generation only."}
)

// Rebuilder builds new generations of views from the events while the live ones are read and
// kept up. Nothing but views is touched: no command, no reaction.
//
// What is to become of a view is decided on its own stream, so that the stream tells who did
// what, and a repeat of a command is known. The work is done by whoever takes tasks from the
// queue.
type Rebuilder struct {
	*Projector
	Executor *es.Executor
	Scanner  es.Scanner
	Parts    PartStore
	Queue    Queue
}

var views = es.Aggregate[Generations, events.View]{Category: viewCategory, Reducer: 1}

// Aggregates lists what the streams of views add up to.
func Aggregates() []es.Folder { return []es.Folder{&views} }

// Start begins a rebuild. A generation besides the live one is given up for it; the error is
// [ErrRebuilding] if that is still being built.
func (b *Rebuilder) Start(ctx context.Context, meta es.Meta, expect *es.Version, view string) (es.Result, error) {
	return b.decide(ctx, meta, expect, view, decision(func(g Generations) ([]events.View, error) {
		started := events.ViewRebuildStarted{Generation: g.Newest + 1}
		switch {
		case g.Building:
			return nil, ErrRebuilding
		case g.Other != 0:
			return []events.View{events.ViewGenerationDropped{Generation: g.Other}, started}, nil
		}
		return []events.View{started}, nil
	}))
}

// Switch makes the generation that was built the live one, with one write.
func (b *Rebuilder) Switch(ctx context.Context, meta es.Meta, expect *es.Version, view string) (es.Result, error) {
	return b.decide(ctx, meta, expect, view, decision(func(g Generations) ([]events.View, error) {
		if g.Building || g.Other < g.Live {
			return nil, ErrNotRebuilt
		}
		return []events.View{events.ViewSwitched{Generation: g.Other}}, nil
	}))
}

// Rollback makes the generation that was live before the switch the live one again.
func (b *Rebuilder) Rollback(ctx context.Context, meta es.Meta, expect *es.Version, view string) (es.Result, error) {
	return b.decide(ctx, meta, expect, view, decision(func(g Generations) ([]events.View, error) {
		if g.Other == 0 || g.Other > g.Live {
			return nil, ErrNoWayBack
		}
		return []events.View{events.ViewRolledBack{Generation: g.Other}}, nil
	}))
}

// Cancel gives up the generation that is not live: one that is being built, one that was
// built, or the one that a rollback would go back to.
func (b *Rebuilder) Cancel(ctx context.Context, meta es.Meta, expect *es.Version, view string) (es.Result, error) {
	return b.decide(ctx, meta, expect, view, decision(func(g Generations) ([]events.View, error) {
		if g.Other == 0 {
			return nil, ErrNothing
		}
		return []events.View{events.ViewGenerationDropped{Generation: g.Other}}, nil
	}))
}

// rebuilt notes that a generation has come to its end, unless it was given up before.
func rebuilt(generation int) decision {
	return func(g Generations) ([]events.View, error) {
		if !g.Building || g.Other != generation {
			return nil, nil
		}
		return []events.View{events.ViewRebuilt{Generation: generation}}, nil
	}
}

// decision is a command on a view's generations.
type decision func(Generations) ([]events.View, error)

// Decide implements [es.Command].
func (d decision) Decide(g Generations, _ time.Time) ([]events.View, error) { return d(g.orFirst()) }

// decide carries out a command and has what comes of it done. A task to watch the view is
// there before the command is, and comes up when this is long over, so that no crash leaves
// something to be done that nobody does.
func (b *Rebuilder) decide(ctx context.Context, meta es.Meta, expect *es.Version, view string, d decision) (result es.Result, err error) {
	if _, err := b.find(view); err != nil {
		return result, err
	}
	if err := b.Queue.Send(ctx, Task{Do: Watch, View: view, Delay: watchEvery}); err != nil {
		return result, fmt.Errorf("have view %s watched: %w", view, err)
	}
	if result, err = b.Executor.Execute(ctx, meta, expect, views.On(view, d)); err != nil {
		return result, err
	}
	_, err = b.rouse(ctx, view)
	return result, err
}

// Redriven notes on a view's stream that what is parked for the view, or for one stream of
// it, is going to be tried again.
func (b *Rebuilder) Redriven(ctx context.Context, meta es.Meta, view string, s es.Stream) error {
	_, err := b.Executor.Execute(ctx, meta, nil, views.On(view, decision(func(Generations) ([]events.View, error) {
		return []events.View{events.ViewRedriven{Stream: string(s)}}, nil
	})))
	return err
}

func (b *Rebuilder) find(view string) (Projection, error) {
	for _, p := range b.Projections {
		if p.name() == view && p.generational() {
			return p, nil
		}
	}
	return nil, ErrNoView
}

func (b *Rebuilder) generationsOf(ctx context.Context, view string) (Generations, error) {
	if _, err := b.find(view); err != nil {
		return Generations{}, err
	}
	all, err := b.Generations.LoadGenerations(ctx)
	return of(all, view), err
}

// Status is how a view is doing.
type Status struct {
	View string
	Generations
	Rebuilt  int64     // rows of the live generation that are from its rebuild
	Progress *Progress // nil unless it is being built
}

// Statuses tells how the views are doing that can be rebuilt, in the order of their names.
func (b *Rebuilder) Statuses(ctx context.Context) (statuses []Status, err error) {
	all, err := b.Generations.LoadGenerations(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range b.Projections {
		if !p.generational() {
			continue
		}
		s := Status{View: p.name(), Generations: of(all, p.name())}
		if s.Building {
			if s.Progress, err = b.progress(ctx, s.View, s.Other); err != nil {
				return nil, err
			}
		}
		if s.Live != First.Live {
			parts, err := b.Parts.LoadParts(ctx, s.View, s.Live)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				s.Rebuilt += part.Rows
			}
		}
		statuses = append(statuses, s)
	}
	slices.SortFunc(statuses, func(a, b Status) int { return cmp.Compare(a.View, b.View) })
	return statuses, nil
}

// Progress is how far a rebuild has come.
type Progress struct {
	Done, Total int64   // commits; Total is what the table said when the rebuild began, or what is done if that is more
	Rate        float64 // commits a second, since the beginning
	Left        time.Duration
}

func (b *Rebuilder) progress(ctx context.Context, view string, generation int) (*Progress, error) {
	parts, err := b.Parts.LoadParts(ctx, view, generation)
	if err != nil {
		return nil, err
	}
	p, now := new(Progress), b.Now()
	since := now
	for _, part := range parts {
		p.Done += part.Done
		p.Total = max(p.Total, part.Total)
		if part.StartedAt.Before(since) {
			since = part.StartedAt
		}
	}
	p.Total = max(p.Total, p.Done)
	if seconds := now.Sub(since).Seconds(); seconds > 0 {
		p.Rate = float64(p.Done) / seconds
	}
	if p.Rate > 0 {
		p.Left = time.Duration(float64(p.Total-p.Done) / p.Rate * float64(time.Second))
	}
	return p, nil
}
