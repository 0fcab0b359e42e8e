package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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

// Parts is in how many parts a rebuild reads the events, side by side.
const Parts = 4

// Part is how far one part of a rebuild has come.
type Part struct {
	View       string
	Generation int
	Part       int
	Revision   int    // counts the changes of this record
	Done       int64  // commits that were read
	Total      int64  // commits that there were in all parts when the rebuild began, about
	After      []byte // where to go on, see es.Scanner
	Finished   bool
	StartedAt  time.Time
	UpdatedAt  time.Time // when a worker last said that it is at work
}

// PartStore keeps the parts of rebuilds.
type PartStore interface {
	// LoadParts gives the parts of one generation in order, none if it is not being built.
	LoadParts(ctx context.Context, view string, generation int) ([]Part, error)
	// SavePart replaces a part whose revision is the one before, else the error is
	// [es.ErrConflict]; revision 1 has no one before.
	SavePart(ctx context.Context, p Part) error
	// DropParts forgets the parts of one generation.
	DropParts(ctx context.Context, view string, generation int) error
}

// Rebuilder builds new generations of views from the events while the live ones are read and
// kept up. Nothing but views is touched: no command, no reaction.
type Rebuilder struct {
	*Projector
	Scanner es.Scanner
	Parts   PartStore
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

// Start begins a rebuild, which [Rebuilder.Work] then does. A generation besides the live
// one that is no longer being built is given up for it. [ErrRebuilding] if one is.
func (b *Rebuilder) Start(ctx context.Context, view string) error {
	was, err := b.generationsOf(ctx, view)
	if err != nil {
		return err
	}
	if was.Building {
		return ErrRebuilding
	}
	total, err := b.Scanner.Count(ctx)
	if err != nil {
		return fmt.Errorf("begin a rebuild: %w", err)
	}
	now := was
	now.Newest++
	now.Other, now.Building = now.Newest, true
	for part := range Parts {
		p := Part{View: view, Generation: now.Other, Part: part, Revision: 1, Total: total, StartedAt: b.Now(), UpdatedAt: time.Time{}}
		// One that is there is left over from a start that got no further.
		if err := b.Parts.SavePart(ctx, p); err != nil && !errors.Is(err, es.ErrConflict) {
			return fmt.Errorf("begin a rebuild: %w", err)
		}
	}
	return b.change(ctx, view, was, now, ErrRebuilding)
}

// Switch makes the generation that was built the live one, with one write.
func (b *Rebuilder) Switch(ctx context.Context, view string) error {
	was, err := b.generationsOf(ctx, view)
	if err != nil {
		return err
	}
	if was.Building || was.Other < was.Live {
		return ErrNotRebuilt
	}
	now := was
	now.Live, now.Other = was.Other, was.Live
	return b.change(ctx, view, was, now, ErrNotRebuilt)
}

// Rollback makes the generation that was live before the switch the live one again.
func (b *Rebuilder) Rollback(ctx context.Context, view string) error {
	was, err := b.generationsOf(ctx, view)
	if err != nil {
		return err
	}
	if was.Other == 0 || was.Other > was.Live {
		return ErrNoWayBack
	}
	now := was
	now.Live, now.Other = was.Other, was.Live
	return b.change(ctx, view, was, now, ErrNoWayBack)
}

// Cancel gives up the generation that is not live: one that is being built, one that was
// built, or the one that a rollback would go back to.
func (b *Rebuilder) Cancel(ctx context.Context, view string) error {
	was, err := b.generationsOf(ctx, view)
	if err != nil {
		return err
	}
	if was.Other == 0 {
		return ErrNothing
	}
	now := was
	now.Other, now.Building = 0, false
	return b.change(ctx, view, was, now, ErrNothing)
}

func (b *Rebuilder) change(ctx context.Context, view string, was, now Generations, beaten error) error {
	err := b.Generations.ChangeGenerations(ctx, view, was, now)
	if errors.Is(err, es.ErrConflict) {
		return beaten
	}
	return err
}

// lease is how long a worker may be silent before another one takes over its part.
const lease = 30 * time.Second

// Work builds one part of a view's new generation until it is finished or ctx ends, from
// where it was left. done is true if there is nothing more to do for this part, because it
// is finished or the rebuild was canceled, and false if another worker is at it.
func (b *Rebuilder) Work(ctx context.Context, view string, part int) (done bool, err error) {
	projection, err := b.find(view)
	if err != nil {
		return false, err
	}
	generations, err := b.generationsOf(ctx, view)
	if err != nil || !generations.Building {
		return err == nil, err
	}
	parts, err := b.Parts.LoadParts(ctx, view, generations.Other)
	if err != nil || part >= len(parts) {
		return false, err
	}
	p := parts[part]
	if p.Finished {
		return true, b.finish(ctx, view, generations)
	}
	if b.Now().Sub(p.UpdatedAt) < lease {
		return false, nil
	}
	if err := b.save(ctx, &p); err != nil {
		return false, ignoreConflict(err)
	}
	for page, err := range b.Scanner.Scan(ctx, part, Parts, p.After) {
		if err != nil {
			return false, fmt.Errorf("rebuild view %s: %w", view, err)
		}
		if err := b.page(ctx, projection, generations.Other, page); err != nil {
			return false, fmt.Errorf("rebuild view %s: %w", view, err)
		}
		p.Done, p.After, p.Finished = p.Done+int64(len(page.Commits)), page.Next, page.Next == nil
		if err := b.save(ctx, &p); err != nil {
			return false, ignoreConflict(err)
		}
		if now, err := b.generationsOf(ctx, view); err != nil || now != generations {
			return err == nil, err
		}
	}
	return p.Finished, b.finish(ctx, view, generations)
}

// ignoreConflict lets another worker have the part that it has taken over.
func ignoreConflict(err error) error {
	if errors.Is(err, es.ErrConflict) {
		return nil
	}
	return err
}

func (b *Rebuilder) save(ctx context.Context, p *Part) error {
	p.Revision++
	p.UpdatedAt = b.Now()
	return b.Parts.SavePart(ctx, *p)
}

// page brings the streams of a page up to what it has of them.
func (b *Rebuilder) page(ctx context.Context, projection Projection, generation int, page es.Page) error {
	var commits []es.Commit
	for _, item := range page.Commits {
		if item.Err != nil {
			t := target{projection, generation, item.Err.Stream}
			if projection.covers(t.stream) {
				if err := b.park(ctx, t, item.Err.Version, item.Err); err != nil {
					return err
				}
			}
			continue
		}
		if projection.covers(item.Commit.Stream) {
			commits = append(commits, item.Commit)
		}
	}
	failed := b.each(commits, func(s es.Stream, own []es.Commit) error {
		return b.follow(ctx, target{projection, generation, s}, own)
	})
	for _, err := range failed {
		return err
	}
	return nil
}

// finish notes that the generation is built, once all of its parts are.
func (b *Rebuilder) finish(ctx context.Context, view string, was Generations) error {
	parts, err := b.Parts.LoadParts(ctx, view, was.Other)
	if err != nil || slices.ContainsFunc(parts, func(p Part) bool { return !p.Finished }) {
		return err
	}
	now := was
	now.Building = false
	if err := b.Generations.ChangeGenerations(ctx, view, was, now); err != nil {
		return ignoreConflict(err)
	}
	return b.Parts.DropParts(ctx, view, was.Other)
}

// Progress is how far a rebuild has come.
type Progress struct {
	Done, Total int64   // commits
	Rate        float64 // commits a second, since the beginning
	Left        time.Duration
}

// Progress tells how far the rebuild of a view has come; ok is false if there is none.
func (b *Rebuilder) Progress(ctx context.Context, view string) (p Progress, ok bool, err error) {
	g, err := b.generationsOf(ctx, view)
	if err != nil || !g.Building {
		return p, false, err
	}
	parts, err := b.Parts.LoadParts(ctx, view, g.Other)
	if err != nil || len(parts) == 0 {
		return p, false, err
	}
	for _, part := range parts {
		p.Done += part.Done
	}
	p.Total = max(parts[0].Total, p.Done)
	if seconds := b.Now().Sub(parts[0].StartedAt).Seconds(); seconds > 0 {
		p.Rate = float64(p.Done) / seconds
	}
	if p.Rate > 0 {
		p.Left = time.Duration(float64(p.Total-p.Done) / p.Rate * float64(time.Second))
	}
	return p, true, nil
}
