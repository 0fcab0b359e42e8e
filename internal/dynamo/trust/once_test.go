package trust_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/interview-sandbox/annals/internal/es"
)

// planOnce makes up commands, all of which have something to do, that are asked for until
// their outcome is known; some of them in two processes at once, some again after others
// have written. The writers go together from one world to the next.
func planOnce(seed uint64, commands int) [][]errand {
	const writers, accountsInWorld, commandsInWorld = 32, 20, 500
	p := planner{Rand: rand.New(rand.NewPCG(seed, 0)), run: runs.Add(1)}
	all := make([][]errand, writers)
	give := func(e errand) {
		w := p.IntN(writers)
		all[w] = append(all[w], e)
	}
	repeats := map[int][]errand{} // by the number of the command that they follow
	for n := range commands {
		number := p.IntN(accountsInWorld)
		e := errand{world: n / commandsInWorld, process: 2 + number%4, insist: true, project: p.IntN(20) == 0}
		if p.IntN(5) == 0 {
			e.process = p.IntN(len(cacheSizes)) // most commands on an account go to one process
		}
		e.in.Account = fmt.Sprintf("%d-%d-%d", p.run, e.world, number)
		e.in.ID, e.in.New, e.in.Order = fmt.Sprint(n), p.IntN(4) == 0, p.something(e.world, n)
		if p.IntN(8) == 0 {
			e.kind = twice
		}
		give(e)
		for _, repeat := range repeats[n] {
			give(repeat)
		}
		if p.IntN(8) == 0 {
			e.kind, e.process = carryOut, p.IntN(len(cacheSizes))
			after := min(n+1+p.IntN(200), commands-1)
			repeats[after] = append(repeats[after], e)
		}
	}
	return all
}

// something is an order that changes any account, unless somebody else has the name.
func (p *planner) something(world, n int) order {
	switch p.IntN(10) {
	case 0:
		return order{Names: []string{fmt.Sprint(n), fmt.Sprintf("only-%d-%d-%d", p.run, world, p.IntN(70))}}
	case 1:
		return order{Names: []string{fmt.Sprintf("only-%d-%d-own-%d", p.run, world, n)}}
	case 2:
		return order{Names: []string{fmt.Sprint(n, "/1"), fmt.Sprint(n, "/2"), fmt.Sprint(n, "/3")}}
	default:
		return order{Names: []string{fmt.Sprint(n)}}
	}
}

// once makes sure that every command is there exactly once, at the version that everybody
// who asked for it was told, or not at all, which everybody was told too.
func (tr *trial) once(all map[string]stored) (carriedOut int, err error) {
	var errs []error
	told := map[string]es.Version{} // 0: refused
	for _, o := range tr.history {
		if o.out.Unknown || o.out.Failed {
			continue
		}
		if before, known := told[o.in.ID]; known && before != o.out.Version {
			errs = append(errs, fmt.Errorf("command %s gave version %d, and %d when it was repeated", o.in.ID, before, o.out.Version))
		}
		told[o.in.ID] = o.out.Version
	}
	for _, o := range tr.history {
		version, known := told[o.in.ID]
		if there := all[o.in.Account].by[o.in.ID]; !known || version > 0 && there.Last() != version || version == 0 && there.Version > 0 {
			errs = append(errs, fmt.Errorf("command %s is stored at version %d; %d was told, %v", o.in.ID, there.Version, version, known))
		}
	}
	for _, version := range told {
		if version > 0 {
			carriedOut++
		}
	}
	return carriedOut, first(errs)
}

func TestEveryCommandTakesEffectExactlyOnce(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	tr, err := runTrial(t.Context(), s, planOnce(s, *commands))
	if err != nil {
		t.Fatal(err)
	}
	all, err := tr.whole(t.Context())
	if err == nil {
		err = tr.told(all)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := tr.once(all)
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d of %d commands were carried out, each exactly once; all others were refused and are not there", n, *commands)
	if n < *commands*9/10 {
		t.Errorf("%d of %d commands were carried out", n, *commands)
	}
	var sum tally
	sum.add(tr)
	sum.report(t)
}
