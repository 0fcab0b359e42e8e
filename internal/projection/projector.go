package projection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/stats"
)

// Projector keeps projections in step with the streams.
type Projector struct {
	Store       es.Store // whose commits come opened
	Vault       es.Vault // that opens the commits which are handed in; nil: they are open
	Rows        Rows
	Parked      ParkedStore
	Generations GenerationStore // nil: no projection has generations
	Projections []Projection
	Executor    *es.Executor  // carries out what reactors command
	Deadlines   DeadlineStore // of reactors
	Now         func() time.Time
	// Parallel is how many streams are projected at the same time; 0 is the default, 16.
	Parallel int

	mu     sync.Mutex
	kept   map[string]Generations // as they were when a batch was last finished
	keptAt time.Time
}

// maxKept is how old a projector's knowledge of the generations may be when it begins a
// batch. What it writes to a generation that was given up since is bound by that, see settle.
const maxKept = time.Minute

// Project brings every projection up to these commits, which may be of any streams, in any
// order and repeated. A stream that a projection can never follow is parked for it and
// counts as done. The errors, by the commits' places, are those that may pass.
func (p *Projector) Project(ctx context.Context, commits []es.Commit) map[int]error {
	failed := map[int]error{}
	finished := map[target]bool{}
	generations, err := p.generations(ctx)
	for err == nil {
		maps.Copy(failed, p.run(ctx, commits, generations, finished))
		// A generation that was begun meanwhile has to get this batch as well: what it reads
		// from the events may have been read before these commits were made.
		var now map[string]Generations
		if now, err = p.loadGenerations(ctx); err == nil && maps.Equal(now, generations) {
			p.remember(now)
			stats.From(ctx).Projected(len(commits) - len(failed))
			return failed
		}
		generations = now
	}
	for i := range commits {
		failed[i] = err
	}
	return failed
}

func (p *Projector) generations(ctx context.Context) (map[string]Generations, error) {
	p.mu.Lock()
	kept, age := p.kept, p.Now().Sub(p.keptAt)
	p.mu.Unlock()
	if kept != nil && age < maxKept {
		return kept, nil
	}
	return p.loadGenerations(ctx)
}

func (p *Projector) loadGenerations(ctx context.Context) (map[string]Generations, error) {
	if p.Generations == nil {
		return nil, nil
	}
	return p.Generations.LoadGenerations(ctx)
}

func (p *Projector) remember(g map[string]Generations) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept, p.keptAt = g, p.Now()
}

// target is one stream's part of one generation of a projection.
type target struct {
	projection Projection
	generation int
	stream     es.Stream
}

// run projects to all generations but those targets that are finished. It gives the errors by
// the commits' places.
func (p *Projector) run(ctx context.Context, commits []es.Commit, generations map[string]Generations, finished map[target]bool) map[int]error {
	var mu sync.Mutex // of finished
	failed := p.each(commits, func(s es.Stream, own []es.Commit) (all error) {
		for _, t := range p.targets(s, generations) {
			mu.Lock()
			skip := finished[t] || !t.projection.wakes(own)
			mu.Unlock()
			if skip {
				continue
			}
			done, err := p.follow(ctx, t, own)
			p.measure(ctx, t, done, own)
			count(ctx, t, done, own[0].Version == 1)
			mu.Lock()
			finished[t] = err == nil
			mu.Unlock()
			all = errors.Join(all, err)
		}
		return all
	})
	places := map[int]error{}
	for i, c := range commits {
		if err := failed[c.Stream]; err != nil {
			places[i] = err
		}
	}
	return places
}

// each calls do with every stream's commits in order, several streams at a time, and gives
// its errors.
func (p *Projector) each(commits []es.Commit, do func(es.Stream, []es.Commit) error) map[es.Stream]error {
	own := map[es.Stream][]es.Commit{}
	var streams []es.Stream
	for _, c := range commits {
		if own[c.Stream] == nil {
			streams = append(streams, c.Stream)
		}
		own[c.Stream] = append(own[c.Stream], c)
	}
	failed := map[es.Stream]error{}
	var mu sync.Mutex // of failed
	sideBySide(p.parallel(), streams, func(s es.Stream) {
		if err := do(s, inOrder(own[s])); err != nil {
			mu.Lock()
			defer mu.Unlock()
			failed[s] = err
		}
	})
	return failed
}

func (p *Projector) parallel() int { return cmp.Or(p.Parallel, 16) }

// sideBySide calls do with each of all, so many at a time.
func sideBySide[T any](parallel int, all []T, do func(T)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, one := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(one)
		})
	}
	wg.Wait()
}

// targets lists what has to follow a stream.
func (p *Projector) targets(s es.Stream, generations map[string]Generations) (all []target) {
	for _, projection := range p.Projections {
		if projection.covers(s) {
			for _, generation := range of(generations, projection.name()).active() {
				all = append(all, target{projection, generation, s})
			}
		}
	}
	return all
}

// measure notes how long after it was made the newest of these commits that a row was saved
// with could be seen in it.
func (p *Projector) measure(ctx context.Context, t target, s saved, commits []es.Commit) {
	for i := len(commits) - 1; i >= 0; i-- {
		if last := commits[i].Last(); s.was < last && last <= s.now {
			stats.From(ctx).Lagged(t.projection.name(), p.Now().Sub(commits[i].At))
			return
		}
	}
}

// count notes a new row. Those of streams that were not born just now are in the number that
// a rebuild has, see [Part], but for the generation that no rebuild has made.
func count(ctx context.Context, t target, s saved, born bool) {
	if t.projection.generational() && s.was == 0 && s.now > 0 && (born || t.generation == First.Live) {
		stats.From(ctx).Created(t.projection.name(), t.generation)
	}
}

// follow brings one stream's part of a projection up to these commits, or parks it.
func (p *Projector) follow(ctx context.Context, t target, commits []es.Commit) (done saved, err error) {
	for past := true; past && len(commits) > 0; {
		var step saved
		if err = es.Open(ctx, p.Vault, commits); err == nil {
			step, err = p.step(ctx, t, commits)
		}
		if step.now > step.was {
			if done.now == 0 {
				done.was = step.was
			}
			done.now = step.now
		}
		if err == nil {
			return done, nil
		}
		version, forGood := deterministic(err, commits[0].Version)
		if forGood {
			past, err = p.park(ctx, t, version, commits[len(commits)-1].Last(), err)
		}
		if err != nil {
			return done, fmt.Errorf("project to %s: %w", t.projection.name(), err)
		}
		for past && len(commits) > 0 && commits[0].Version <= version {
			commits = commits[1:] // the row has it
		}
	}
	return done, nil
}

// step is the projection's follow with a panic as an error.
func (p *Projector) step(ctx context.Context, t target, commits []es.Commit) (done saved, err error) {
	defer recovered(&err, t.stream, commits[len(commits)-1].Last())
	return t.projection.follow(ctx, p, t.generation, t.stream, commits)
}

// park notes what happened and marks the row, which counts as done through a version. The
// note comes first: a row that is marked without one would never be looked at. past is true
// if another projector, maybe of a newer build, has brought the row past what was in the way.
func (p *Projector) park(ctx context.Context, t target, version, through es.Version, reason error) (past bool, err error) {
	now := p.Now()
	err = p.Parked.Park(ctx, Parked{
		View: t.projection.name(), Generation: t.generation, Stream: t.stream, Version: version,
		Error: reason.Error(), Attempts: 1, FirstAt: now, LastAt: now,
	})
	if err != nil {
		return false, err
	}
	stats.From(ctx).Failed("", fmt.Errorf("parked for %s: %w", t.projection.name(), reason))
	past, err = t.projection.park(ctx, p, t.generation, t.stream, version, through)
	if past {
		_, err = t.projection.parked(ctx, p, t.generation, t.stream) // the note stays if something else is in the way
	}
	return past, err
}

// Damaged parks a stream for everything that follows it, because one of its commits cannot be
// read at all.
func (p *Projector) Damaged(ctx context.Context, damage *es.DamagedError) error {
	generations, err := p.loadGenerations(ctx)
	if err != nil {
		return err
	}
	for _, t := range p.targets(damage.Stream, generations) {
		if _, ok := t.projection.(snapshots); ok {
			continue
		}
		if _, err := p.park(ctx, t, damage.Version, damage.Version, damage); err != nil {
			return fmt.Errorf("park for %s: %w", t.projection.name(), err)
		}
	}
	return nil
}

// Has reports whether a projection of this name is among those that are kept in step.
func (p *Projector) Has(name string) bool {
	return slices.ContainsFunc(p.Projections, func(one Projection) bool { return one.name() == name })
}

// Redrive tries again to bring a parked stream up to its newest commit, and reports whether
// it is still parked.
func (p *Projector) Redrive(ctx context.Context, parked Parked) (still bool, err error) {
	for _, projection := range p.Projections {
		if projection.name() != parked.View {
			continue
		}
		if parked.Stream.Category() == deadlineCategory {
			still, err := p.redriveDeadline(ctx, parked)
			if err != nil {
				err = fmt.Errorf("redrive: %w", err)
			}
			return still, err
		}
		all, err := p.loadGenerations(ctx)
		if err != nil {
			return true, fmt.Errorf("redrive: %w", err)
		}
		if of(all, parked.View).Dropped(parked.Generation) {
			break
		}
		if err := p.catchUp(ctx, target{projection, parked.Generation, parked.Stream}); err != nil {
			return true, fmt.Errorf("redrive: %w", err)
		}
		return projection.parked(ctx, p, parked.Generation, parked.Stream)
	}
	// The view or its generation is gone, and with it what was wrong.
	return false, p.Parked.Unpark(ctx, parked.View, parked.Generation, parked.Stream, parked.Version)
}

// catchUp brings one stream's part of a projection up to the stream's newest commit.
func (p *Projector) catchUp(ctx context.Context, t target) error {
	for newest, err := range p.Store.Read(ctx, t.stream, es.Range{Backward: true, Limit: 1}) {
		if err == nil {
			var done saved
			done, err = p.follow(ctx, t, []es.Commit{newest})
			count(ctx, t, done, false)
		} else if version, forGood := deterministic(err, 0); forGood {
			_, err = p.park(ctx, t, version, version, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
