// Package runtime runs functions as Lambda does: each environment is a process of its own, which
// asks for one invocation after the other over the Lambda Runtime API.
package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Function is a program to be run, and how.
type Function struct {
	Name    string
	Program string   // path of the bootstrap
	Env     []string // its whole environment, but for AWS_LAMBDA_RUNTIME_API
	Print   func(line []byte)
	Log     *slog.Logger
}

// Limits of a pool.
const (
	// Concurrency is how many environments a function has at most. Lambda would throttle what
	// comes above; here it waits, as a laptop has fewer of them than an account.
	Concurrency = 20
	// Idle is how long an environment is kept that nobody needs. AWS does not say how long
	// Lambda keeps one.
	Idle = 5 * time.Minute
)

// Pool is the environments of one function. It is a [lambda.Handler].
type Pool struct {
	function Function
	slots    chan struct{}   // one is taken by each environment that is invoked
	running  context.Context // ends when the pool is closed
	stop     context.CancelFunc

	mu     sync.Mutex
	closed bool
	warm   []*Environment // which wait for an invocation, the latest last
	all    sync.WaitGroup
}

// NewPool makes a pool, which is empty until its function is invoked.
func NewPool(f Function) *Pool {
	running, stop := context.WithCancel(context.Background())
	return &Pool{function: f, slots: make(chan struct{}, Concurrency), running: running, stop: stop}
}

// Invoke has an environment answer: the one that was invoked last of those that wait, or else a
// new one. When ctx ends first, the environment is killed, as Lambda does after a function's
// timeout; one that dies is replaced at the next invocation. The errors are those of Lambda: an
// [Error] of the function's own, or one of the types "Runtime.ExitError",
// "Function.ResponseSizeTooLarge" and those of a failed initialization.
func (p *Pool) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.running, cancel)()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	out, err := e.Invoke(ctx, payload)
	p.put(e)
	return out, err
}

func (p *Pool) take(ctx context.Context) (*Environment, error) {
	p.mu.Lock()
	for len(p.warm) > 0 {
		last := len(p.warm) - 1
		e := p.warm[last]
		p.warm = p.warm[:last]
		if e.idle.Stop(); e.alive() {
			p.mu.Unlock()
			return e, nil
		}
	}
	closed := p.closed
	if !closed {
		p.all.Add(1)
	}
	p.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("%s has been stopped", p.function.Name)
	}
	e, err := Start(ctx, p.function)
	if err != nil {
		p.all.Done()
		return nil, err
	}
	go func() {
		<-e.process.Done()
		p.all.Done()
	}()
	return e, nil
}

func (p *Pool) put(e *Environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !e.alive() {
		e.process.Kill()
		return
	}
	e.idle = time.AfterFunc(Idle, func() { p.retire(e) })
	p.warm = append(p.warm, e)
}

// retire ends an environment, unless it is being invoked again.
func (p *Pool) retire(e *Environment) {
	p.mu.Lock()
	for i, w := range p.warm {
		if w == e {
			p.warm = append(p.warm[:i], p.warm[i+1:]...)
			p.mu.Unlock()
			e.Stop()
			return
		}
	}
	p.mu.Unlock()
}

// Close ends every environment and returns when all are gone. Those that are being invoked are
// killed: whoever wants an answer has waited for it before.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	warm := p.warm
	p.warm = nil
	p.mu.Unlock()
	p.stop()
	var ending sync.WaitGroup
	for _, e := range warm {
		e.idle.Stop()
		ending.Go(e.Stop)
	}
	ending.Wait()
	p.all.Wait()
	return nil
}
