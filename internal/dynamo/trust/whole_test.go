package trust_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// stored is what a stream holds in the end: its commits, by their commands too.
type stored struct {
	commits []es.Commit
	by      map[string]es.Commit
}

// readWhole reads a stream and makes sure that it is whole: no gap, no commit that is not the
// successor of the one before it or does not fit its hash, no time before the last one, no
// command twice.
func readWhole(ctx context.Context, s es.Stream) (stored, error) {
	got := stored{by: map[string]es.Commit{}}
	tip := es.StartOf(s)
	for c, err := range clean.Read(ctx, s, es.Range{}) {
		if err != nil {
			return got, err
		}
		next, err := tip.Follow(c)
		_, doubled := got.by[c.CommandID]
		switch {
		case err != nil:
			return got, err
		case c.Hash != c.ComputeHash():
			return got, fmt.Errorf("%s version %d does not fit its hash", s, c.Version)
		case len(got.commits) > 0 && c.At.Before(got.commits[len(got.commits)-1].At):
			return got, fmt.Errorf("%s version %d is of %s, before its predecessor", s, c.Version, c.At)
		case doubled:
			return got, fmt.Errorf("%s version %d: command %s took effect before, at version %d", s, c.Version, c.CommandID, got.by[c.CommandID].Version)
		}
		tip, got.by[c.CommandID] = next, c
		got.commits = append(got.commits, c)
	}
	return got, nil
}

// readAllWhole reads streams, some at a time.
func readAllWhole(ctx context.Context, streams map[es.Stream]bool) (map[es.Stream]stored, error) {
	var (
		all   = map[es.Stream]stored{}
		errs  []error
		mu    sync.Mutex
		wg    sync.WaitGroup
		slots = make(chan struct{}, 16)
	)
	for s := range streams {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			got, err := readWhole(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			all[s], errs = got, append(errs, err)
		})
	}
	wg.Wait()
	return all, first(errs)
}

// whole makes sure that everything that the trial stored is whole, and gives what the
// accounts' streams hold.
func (tr *trial) whole(ctx context.Context) (map[string]stored, error) {
	streams, names := map[es.Stream]bool{}, map[string]bool{}
	for _, o := range tr.history {
		streams[es.NewStream(accounts.Category, o.in.Account)] = true
		for _, name := range o.in.Order.Names {
			if exclusive(name) {
				names[name] = true
				streams[es.NewStream(estest.Claims.Category, name)] = true
			}
		}
	}
	all, err := readAllWhole(ctx, streams)
	byAccount := map[string]stored{}
	for s := range streams {
		if s.Category() == accounts.Category {
			byAccount[s.ID()] = all[s]
		}
	}
	errs := []error{err}
	holders, err := holdersOf(byAccount)
	errs = append(errs, err)
	for name := range names {
		claim := all[es.NewStream(estest.Claims.Category, name)]
		if got := claimants(claim); !slices.Equal(got, holders[name]) {
			errs = append(errs, fmt.Errorf("%s is claimed by %v, and %v have it", name, got, holders[name]))
		}
	}
	return byAccount, first(errs)
}

// holder has an exclusive name since a command.
type holder struct{ account, command string }

// holdersOf gives all those who have exclusive names.
func holdersOf(byAccount map[string]stored) (map[string][]holder, error) {
	holders := map[string][]holder{}
	for account, got := range byAccount {
		for _, c := range got.commits {
			recorded, err := c.Recorded()
			if err != nil {
				return nil, err
			}
			for _, r := range recorded {
				if name := r.Event.(events.UserNameChanged).New; exclusive(name) {
					holders[name] = append(holders[name], holder{account, c.CommandID})
				}
			}
		}
	}
	return holders, nil
}

// claimants gives all those who have claimed a name. There must not be more than one.
func claimants(claim stored) (all []holder) {
	for _, c := range claim.commits {
		for _, e := range c.Events {
			decoded, err := events.Decode(e.Type, e.JSON)
			claimed, ok := decoded.(events.EmailClaimed)
			if err != nil || !ok || len(all) > 0 {
				return append(all, holder{"more than one", c.CommandID})
			}
			all = append(all, holder{claimed.UserID, c.CommandID})
		}
	}
	return all
}

// told makes sure that writers were told the truth about their commands: none that was
// acknowledged is lost, and none that failed or was refused has been stored all the same.
func (tr *trial) told(all map[string]stored) error {
	var errs []error
	for _, o := range tr.history {
		c, there := all[o.in.Account].by[o.in.ID]
		nothingToDo := !there && len(o.in.Order.Names) == 1 // maybe; the model knows when
		switch {
		case o.acknowledged() && !nothingToDo && (!there || c.Last() < o.out.Version):
			errs = append(errs, fmt.Errorf("%s: command %s was acknowledged at version %d and is lost", o.in.Account, o.in.ID, o.out.Version))
		case o.stored() && !there:
			errs = append(errs, fmt.Errorf("%s: command %s was stored and is lost", o.in.Account, o.in.ID))
		case !o.stored() || o.out.Unknown:
		case !o.acknowledged() || o.out.Replay || o.out.Version != c.Last():
			errs = append(errs, fmt.Errorf("%s: command %s is stored at version %d, and its writer was told %+v", o.in.Account, o.in.ID, c.Last(), o.out))
		}
	}
	return first(errs)
}
