package trust_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// trial is one history: what writers side by side asked for and were told.
type trial struct {
	wire      wire
	processes []*process

	mu      sync.Mutex
	history []*observation
	errs    []error
}

// runTrial lets the writers do their errands and waits until all requests have come to
// their end.
func runTrial(ctx context.Context, seed uint64, plan [][]errand) (*trial, error) {
	tr := &trial{wire: wire{patience: 400 * time.Millisecond}}
	tr.processes = processes(&tr.wire)
	var wg sync.WaitGroup
	for i, errands := range plan {
		wg.Go(func() { newWriter(tr, seed, i).run(ctx, errands) })
	}
	wg.Wait()
	tr.wire.drain()
	return tr, first(tr.errs)
}

func (tr *trial) broken(err error) {
	if err != nil {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.errs = append(tr.errs, err)
	}
}

// writer does errands one after the other.
type writer struct {
	*trial
	number   int
	weathers [2]*weather // one more for the requests that go out in two processes
	known    map[string]es.Version
}

func newWriter(tr *trial, seed uint64, number int) *writer {
	return &writer{tr, number, [2]*weather{newWeather(seed, uint64(2*number+1)), newWeather(seed, uint64(2*number+2))}, map[string]es.Version{}}
}

func (w *writer) run(ctx context.Context, errands []errand) {
	for _, e := range errands {
		e.in.Expect = e.expect.version(w.known[e.in.Account])
		p := w.processes[e.process]
		switch e.kind {
		case restart:
			p.restart()
		case spoil:
			w.broken(spoilSnapshot(ctx, e.in.Account, w.weathers[0].IntN(len(spoilers))))
		case carryOut:
			w.carryOut(ctx, e, p)
		case twice:
			var wg sync.WaitGroup
			wg.Go(func() { w.ask(ctx, e, w.processes[(e.process+1)%len(w.processes)], 1) })
			w.carryOut(ctx, e, p)
			wg.Wait()
		}
	}
}

// carryOut takes note of the version that the writer is told, and has a snapshot made of it
// as the projector would.
func (w *writer) carryOut(ctx context.Context, e errand, p *process) {
	out := w.ask(ctx, e, p, 0)
	for again := 0; e.insist && (out.Unknown || out.Failed) && again < 20; again++ {
		out = w.ask(ctx, e, p, 0)
	}
	if out.Version == 0 {
		return
	}
	w.known[e.in.Account] = out.Version
	if e.project {
		newest := es.Commit{Version: out.Version, Events: make([]es.Data, 1)}
		w.broken(p.snapshot(under(ctx, w.weathers[0]), e.in.Account, newest))
	}
}

// ask makes one request and takes down what came of it.
func (w *writer) ask(ctx context.Context, e errand, p *process, hand int) output {
	ctx = under(ctx, w.weathers[hand])
	if e.deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.deadline)
		defer cancel()
	}
	o := &observation{writer: 2*w.number + hand, world: e.world, in: e.in, call: time.Now()}
	out, err := p.do(observing(ctx, o), e.in)
	o.out, o.ret = out, time.Now()
	w.broken(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, o)
	return out
}

// first joins the first few errors: where one thing is broken, many follow from it.
func first(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	return errors.Join(errs[:min(len(errs), 4)]...)
}
