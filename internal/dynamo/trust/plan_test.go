package trust_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// shape is how large a trial is.
type shape struct {
	writers, worlds, accounts, errands int // accounts of each world, errands of each writer
}

// errand is one thing that a writer does.
type errand struct {
	kind     errandKind
	world    int
	in       input
	process  int
	expect   expectation
	deadline time.Duration // 0: none
	insist   bool          // until the outcome is known
	project  bool          // have a snapshot made afterwards if one is due
}

type errandKind uint8

const (
	carryOut errandKind = iota // ask for what is in the input
	twice                      // ask for it in two processes at the same time
	restart                    // forget what a process has in memory
	spoil                      // damage the account's snapshot, or put an outdated one in its place
)

// expectation is what a command says about the version of its account.
type expectation uint8

const (
	whatever expectation = iota
	seen                 // the last version that the writer knows
	missed               // one that is no more, or never was
)

// runs keeps the accounts of trials apart, those of one seed included.
var runs atomic.Int64

// planner makes up the errands of a trial, all of them from its seed.
type planner struct {
	*rand.Rand
	shape
	run  int64
	sent [][]input // commands that were planned, by their world
}

func plan(seed uint64, s shape) [][]errand {
	p := planner{rand.New(rand.NewPCG(seed, 0)), s, runs.Add(1), make([][]input, s.worlds)}
	all := make([][]errand, s.writers)
	for n := range s.errands {
		for w := range s.writers {
			all[w] = append(all[w], p.errand(fmt.Sprintf("%d-%d", w, n)))
		}
	}
	return all
}

func (p *planner) errand(id string) errand {
	// The sum of two makes some worlds busier than others.
	e := errand{world: (p.IntN(p.worlds) + p.IntN(p.worlds)) / 2, process: p.IntN(len(cacheSizes)), project: true}
	e.in.Account = fmt.Sprintf("%d-%d-%d", p.run, e.world, p.IntN(p.accounts))
	if p.IntN(50) == 0 {
		e.deadline = time.Duration(1+p.IntN(60)) * time.Millisecond
	}
	switch n := p.IntN(100); {
	case n < 2:
		e.kind = restart
	case n < 5:
		e.kind = spoil
	case n < 20:
		e.in.Read = true
	case n < 30 && len(p.sent[e.world]) > 0:
		e.in = p.repeat(e.world)
	default:
		if n >= 90 {
			e.kind = twice
		}
		e.expect = expectation(max(0, p.IntN(7)-4))
		e.in.ID, e.in.New, e.in.Order = id, p.IntN(4) == 0, p.order(e.world, id)
		p.sent[e.world] = append(p.sent[e.world], e.in)
	}
	return e
}

// repeat is a command that was sent, is being sent or will be, or another with its id.
func (p *planner) repeat(world int) input {
	sent := p.sent[world]
	in := sent[len(sent)-1-p.IntN(min(len(sent), 40))]
	if p.IntN(5) == 0 {
		in.Order = order{Names: []string{"another"}}
	}
	return in
}

func (p *planner) order(world int, id string) order {
	common := func() string { return string(rune('a' + p.IntN(3))) }
	switch n := p.IntN(20); {
	case n < 6:
		return order{Names: []string{id}}
	case n < 8:
		return order{Names: []string{id + "/1", common(), id + "/3"}}
	case n < 11:
		return order{Names: []string{common()}}
	case n < 15:
		return order{If: common(), Names: []string{common(), common()}}
	case n < 16:
		return order{Names: []string{"forbidden"}}
	default:
		return order{Names: []string{fmt.Sprintf("only-%d-%d-%d", p.run, world, p.IntN(8))}}
	}
}

// version is what a writer expects who knows the account at a version.
func (e expectation) version(known es.Version) *es.Version {
	switch e {
	case seen:
		return &known
	case missed:
		v := known + 1
		return &v
	default:
		return nil
	}
}
