package es

import (
	"context"
	"errors"
	"sync"
)

// Projector keeps projections in step with the streams.
type Projector []Projection

// parallel bounds how many streams are projected at the same time.
const parallel = 16

// Project brings every projection up to these commits, which may be of any streams, in any
// order and repeated. It gives the error of each commit whose stream could not be
// projected, by the commit's place; all others are done.
func (p Projector) Project(ctx context.Context, commits []Commit) map[int]error {
	places := map[Stream][]int{}
	for i, c := range commits {
		places[c.Stream] = append(places[c.Stream], i)
	}
	var (
		failed = map[int]error{}
		mu     sync.Mutex
		wg     sync.WaitGroup
		slots  = make(chan struct{}, parallel)
	)
	for s, at := range places {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			own := make([]Commit, len(at))
			for i, place := range at {
				own[i] = commits[place]
			}
			if err := p.project(ctx, s, own); err != nil {
				mu.Lock()
				defer mu.Unlock()
				for _, place := range at {
					failed[place] = err
				}
			}
		})
	}
	wg.Wait()
	return failed
}

func (p Projector) project(ctx context.Context, s Stream, commits []Commit) error {
	var all error
	for _, projection := range p {
		if projection.Covers(s) {
			all = errors.Join(all, projection.Project(ctx, s, commits))
		}
	}
	return all
}
