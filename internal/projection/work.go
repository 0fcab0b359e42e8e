package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Task is something to do about a view, as it is put into the queue. To do one again, or
// several at once, harms nothing.
type Task struct {
	Do    Job           `json:"do"`
	View  string        `json:"view"` // "": all of them, which only Watch can do
	Part  int           `json:"part"` // of a rebuild
	Delay time.Duration `json:"-"`    // how long it may not come up
}

// Job is a kind of task.
type Job string

// The kinds of tasks.
const (
	Watch Job = "watch" // put in the tasks that are due, again and again until none is
	Build Job = "build" // build a part of the generation that is being built
	Purge Job = "purge" // remove what is left of the generations that were given up
)

// Queue takes tasks, each of which comes up at least once. One that fails comes up again.
type Queue interface {
	Send(ctx context.Context, tasks ...Task) error
}

const (
	// watchEvery is how often a view is watched while there is something to do about it. It
	// is longer than any command takes, which API Gateway gives 30 seconds.
	watchEvery = 31 * time.Second
	// lease is how long a worker may be silent before another one takes over its part.
	lease = 30 * time.Second
	// settle is how long after a generation was given up nobody can be writing to it any
	// more. A projector that knows no better writes for maxKept and one invocation, a worker
	// for one invocation, and no function runs longer than five minutes.
	settle = 10 * time.Minute
)

// Parts is in how many parts a rebuild reads the events, side by side.
const Parts = 4

// Part is how far one part of a rebuild has come. It is there once somebody has begun with
// it. A purge is the one part of generation 0.
type Part struct {
	View       string
	Generation int
	Part       int
	Revision   int    // counts the changes of this record
	Done       int64  // commits that were read
	Total      int64  // commits that there were in all parts when this one began, about
	Rows       int64  // that are those of streams which were there when this one began
	After      []byte // where to go on, see es.Scanner
	Finished   bool
	StartedAt  time.Time
	UpdatedAt  time.Time // when a worker last said that it is at work; zero: it has left
}

// PartStore keeps the parts of rebuilds.
type PartStore interface {
	// LoadParts gives the parts of one generation that are there, in order.
	LoadParts(ctx context.Context, view string, generation int) ([]Part, error)
	// SavePart replaces a part whose revision is the one before, else the error is
	// [es.ErrConflict]; revision 1 has no one before.
	SavePart(ctx context.Context, p Part) error
}

// Do works on a task until there is nothing more to do, or somebody else is at it, or until;
// then it puts the task in again.
func (b *Rebuilder) Do(ctx context.Context, t Task, until time.Time) error {
	if t.View == "" {
		return b.watchAll(ctx)
	}
	if _, err := b.find(t.View); err != nil {
		return nil // the view is gone since the task was put in
	}
	more, err := false, error(nil)
	switch t.Do {
	case Watch:
		more, err = b.rouse(ctx, t.View)
		t.Delay = watchEvery
	case Build:
		more, err = b.build(ctx, t.View, t.Part, until)
	case Purge:
		more, err = b.purge(ctx, t.View, until)
	default:
		err = fmt.Errorf("there is no job %q", t.Do)
	}
	if err == nil && more {
		err = b.Queue.Send(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("%s view %s: %w", t.Do, t.View, err)
	}
	return nil
}

func (b *Rebuilder) watchAll(ctx context.Context) error {
	for _, p := range b.Projections {
		if p.generational() {
			if err := b.Queue.Send(ctx, Task{Do: Watch, View: p.name()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// rouse puts in the tasks that are due for a view, and reports whether it has to be watched
// further. A task that somebody is at, or that is done, ends at once when it comes up.
func (b *Rebuilder) rouse(ctx context.Context, view string) (more bool, err error) {
	if err := b.catchUp(ctx, target{Rebuilds, First.Live, es.NewStream(viewCategory, view)}); err != nil {
		return false, err
	}
	g, err := b.generationsOf(ctx, view)
	if err != nil {
		return false, err
	}
	var due []Task
	if g.Building {
		for part := range Parts {
			due = append(due, Task{Do: Build, View: view, Part: part})
		}
	}
	if b.settled(g) {
		due = append(due, Task{Do: Purge, View: view})
	}
	return g.Building || g.DroppedAt != 0, b.Queue.Send(ctx, due...)
}

// settled reports whether something is left of generations that were given up, and nobody
// can be writing to them any more.
func (b *Rebuilder) settled(g Generations) bool {
	return g.DroppedAt != 0 && b.Now().Sub(time.UnixMilli(g.DroppedAt)) >= settle
}

// build builds one part of a view's new generation from where it was left. more is true if
// time was up before it was finished.
func (b *Rebuilder) build(ctx context.Context, view string, part int, until time.Time) (more bool, err error) {
	generations, err := b.generationsOf(ctx, view)
	if err != nil || !generations.Building {
		return false, err
	}
	p, err := b.part(ctx, view, generations.Other, part)
	if err != nil {
		return false, err
	}
	if p.Revision == 0 {
		p.StartedAt = b.Now()
		if p.Total, err = b.Scanner.Count(ctx); err != nil {
			return false, err
		}
	}
	if p.Finished {
		return false, b.finish(ctx, view, generations.Other)
	}
	if taken, err := b.take(ctx, &p); err != nil || !taken {
		return false, err
	}
	projection, err := b.find(view)
	if err != nil {
		return false, err
	}
	for page, err := range b.Scanner.Scan(ctx, part, Parts, p.After) {
		if err != nil {
			return false, err
		}
		if err := b.page(ctx, projection, generations.Other, page); err != nil {
			_, left := b.keep(ctx, &p, true) // so that the next try need not wait
			return false, errors.Join(err, left)
		}
		p.Done, p.After, p.Finished = p.Done+int64(len(page.Commits)), page.Next, page.Next == nil
		p.Rows += born(page, projection, p.StartedAt)
		more = !p.Finished && !b.Now().Before(until)
		if !p.Finished && !more && b.Now().Sub(p.UpdatedAt) < keepEvery {
			continue
		}
		if kept, err := b.keep(ctx, &p, more); err != nil || !kept || more {
			return more && kept, err
		}
		if now, err := b.generationsOf(ctx, view); err != nil || now.Other != generations.Other || !now.Building {
			return false, err
		}
	}
	return false, b.finish(ctx, view, generations.Other)
}

// keepEvery is how often a worker saves how far it has come and looks whether it is still
// wanted. What a crash makes it do again is harmless.
const keepEvery = time.Second

// part gives a part as it is stored, or a new one with revision 0.
func (b *Rebuilder) part(ctx context.Context, view string, generation, part int) (Part, error) {
	parts, err := b.Parts.LoadParts(ctx, view, generation)
	if i := slices.IndexFunc(parts, func(p Part) bool { return p.Part == part }); i >= 0 {
		return parts[i], err
	}
	return Part{View: view, Generation: generation, Part: part}, err
}

// take makes a part this worker's, unless another one is at it.
func (b *Rebuilder) take(ctx context.Context, p *Part) (taken bool, err error) {
	if b.Now().Sub(p.UpdatedAt) < lease {
		return false, nil
	}
	return b.keep(ctx, p, false)
}

// keep saves how far a worker has come with its part, and lets go of it if the worker is
// leaving. kept is false if another worker has taken the part over.
func (b *Rebuilder) keep(ctx context.Context, p *Part, leaving bool) (kept bool, err error) {
	p.Revision++
	p.UpdatedAt = b.Now()
	if leaving {
		p.UpdatedAt = time.Time{}
	}
	err = b.Parts.SavePart(ctx, *p)
	if errors.Is(err, es.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// page brings the streams of a page up to what it has of them.
func (b *Rebuilder) page(ctx context.Context, projection Projection, generation int, page es.Page) error {
	var commits []es.Commit
	for _, item := range page.Commits {
		if item.Err != nil {
			t := target{projection, generation, item.Err.Stream}
			if projection.covers(t.stream) {
				if _, err := b.park(ctx, t, item.Err.Version, item.Err.Version, item.Err); err != nil {
					return err
				}
			}
			continue
		}
		if projection.covers(item.Commit.Stream) {
			commits = append(commits, item.Commit)
		}
	}
	rest, err := b.insert(ctx, projection, generation, commits)
	if err != nil {
		return err
	}
	failed := b.each(rest, func(s es.Stream, own []es.Commit) error {
		_, err := b.follow(ctx, target{projection, generation, s}, own)
		return err
	})
	for _, err := range failed {
		return err
	}
	return nil
}

// born counts the streams on a page that began before a time. Unlike the rows that a worker
// makes, they are the same when another one has to do the page again.
func born(page es.Page, projection Projection, before time.Time) (n int64) {
	for _, item := range page.Commits {
		if c := item.Commit; item.Err == nil && c.Version == 1 && projection.covers(c.Stream) && c.At.Before(before) {
			n++
		}
	}
	return n
}

// insert makes the rows of those streams whose first commits are here, many in one request:
// most of them have no row yet. It gives the commits of the other streams, and of those that
// it could make no row of.
func (b *Rebuilder) insert(ctx context.Context, projection Projection, generation int, commits []es.Commit) (rest []es.Commit, err error) {
	var mu sync.Mutex // of rest and err
	some := slices.Collect(slices.Chunk(byStream(commits), InsertLimit))
	sideBySide(b.parallel(), some, func(some [][]es.Commit) {
		var left []es.Commit
		var changes []Change
		var whose [][]es.Commit
		for _, own := range some {
			c, ok := Change{}, es.Open(ctx, b.Vault, own) == nil
			if ok {
				c, ok = projection.fresh(generation, own[0].Stream, own)
			}
			if ok {
				changes, whose = append(changes, c), append(whose, own)
			} else {
				left = append(left, own...)
			}
		}
		refused, failure := b.Rows.Insert(ctx, changes)
		for _, i := range refused {
			left = append(left, whose[i]...)
		}
		mu.Lock()
		defer mu.Unlock()
		rest, err = append(rest, left...), errors.Join(err, failure)
	})
	return rest, err
}

// byStream divides what a scan has found, where the commits of a stream come in a row.
func byStream(commits []es.Commit) (all [][]es.Commit) {
	for i, end := 0, 0; i < len(commits); i = end {
		for end = i; end < len(commits) && commits[end].Stream == commits[i].Stream; end++ {
		}
		all = append(all, commits[i:end])
	}
	return all
}

// finish notes that the generation is built, once all of its parts are.
func (b *Rebuilder) finish(ctx context.Context, view string, generation int) error {
	parts, err := b.Parts.LoadParts(ctx, view, generation)
	if err != nil || len(parts) < Parts || slices.ContainsFunc(parts, func(p Part) bool { return !p.Finished }) {
		return err
	}
	id := es.DeriveID("rebuilt", view, fmt.Sprint(generation))
	meta := es.Meta{CommandID: id, CorrelationID: id, Actor: "system:rebuild"}
	if _, err := b.Executor.Execute(ctx, meta, nil, views.On(view, rebuilt(generation))); err != nil {
		return err
	}
	_, err = b.rouse(ctx, view)
	return err
}

// purge removes what is left of the generations that were given up. None of them can be
// taken up again, so it does not matter what is decided meanwhile; if another one is given
// up, there will be another purge.
func (b *Rebuilder) purge(ctx context.Context, view string, until time.Time) (more bool, err error) {
	g, err := b.generationsOf(ctx, view)
	if err != nil || !b.settled(g) {
		return false, err
	}
	p, err := b.part(ctx, view, 0, 0)
	if err != nil {
		return false, err
	}
	if at := time.UnixMilli(g.DroppedAt).UTC(); !p.StartedAt.Equal(at) {
		p = Part{View: view, Revision: p.Revision, StartedAt: at} // the one before was for an earlier drop
	}
	if taken, err := b.take(ctx, &p); err != nil || !taken {
		return false, err
	}
	for !p.Finished {
		if p.After, err = b.Rows.Purge(ctx, view, g.Dropped, p.After); err != nil {
			return false, err
		}
		p.Finished = p.After == nil
		more = !p.Finished && !b.Now().Before(until)
		if kept, err := b.keep(ctx, &p, more); err != nil || !kept || more {
			return more && kept, err
		}
	}
	if err := b.purgeParked(ctx, view, g.Dropped); err != nil {
		return false, err
	}
	return false, b.purged(ctx, view, g.DroppedAt)
}

func (b *Rebuilder) purgeParked(ctx context.Context, view string, dropped func(int) bool) error {
	for after := ""; ; {
		page, next, err := b.Parked.ListParked(ctx, after, 100)
		if err != nil {
			return err
		}
		for _, p := range page {
			if p.View == view && dropped(p.Generation) {
				if err := b.Parked.Unpark(ctx, view, p.Generation, p.Stream, p.Version); err != nil {
					return err
				}
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// purged notes that nothing is left, unless another generation has been given up since.
func (b *Rebuilder) purged(ctx context.Context, view string, droppedAt int64) error {
	return retry(ctx, func() error {
		was, err := b.generationsOf(ctx, view)
		if err != nil || was.DroppedAt != droppedAt {
			return err
		}
		now := was
		now.DroppedAt = 0
		return b.Generations.ChangeGenerations(ctx, view, was, now)
	})
}
