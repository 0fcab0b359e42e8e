package notification

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
)

const ada = "0197a0f0-0000-7000-8000-000000000001"

var (
	account_ = es.NewStream("user", ada)
	created  = events.UserCreated{UserID: ada, Email: "ada@example.com", Name: "Ada", PasswordHash: "hash"}
)

// errCrashed is what everything gives from the moment of a crash on.
var errCrashed = errors.New("the process has crashed")

// crash is a moment at which a process dies: before or after one of its writes.
type crash struct {
	mu    sync.Mutex
	after int // steps that there still are; negative: never
	steps int // that there were
}

func (c *crash) step() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.after == 0 {
		return errCrashed
	}
	c.steps++
	c.after--
	return nil
}

func (c *crash) at(step int) { c.mu.Lock(); c.after = step; c.mu.Unlock() }

// mortal is a store whose process can die before and after each append.
type mortal struct {
	*estest.Memory
	*crash
}

func (s mortal) Append(ctx context.Context, pending ...es.Pending) error {
	if err := s.step(); err != nil {
		return err
	}
	if err := s.Memory.Append(ctx, pending...); err != nil {
		return err
	}
	return s.step()
}

// post is a mailer that keeps what it has sent. It can refuse, fail to answer, and die with its
// process.
type post struct {
	*crash
	mu       sync.Mutex
	sent     []Message
	keys     map[string]bool
	refuses  int // so many of the next mails
	silences int // takes so many of the next mails and does not answer
}

func (p *post) Send(_ context.Context, key string, m Message) (string, error) {
	if err := p.step(); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses > 0 {
		p.refuses--
		return "", &NotTakenError{"TooManyRequestsException"}
	}
	if p.keys == nil {
		p.keys = map[string]bool{}
	}
	p.sent, p.keys[key] = append(p.sent, m), true
	if p.silences > 0 {
		p.silences--
		return "", context.DeadlineExceeded
	}
	return "id of " + key, p.step()
}

// open makes tokens that tests can read.
type open struct{}

func (open) VerificationToken(_ context.Context, userID, email string, expires time.Time) (string, error) {
	return "verify_" + email, nil
}

func (open) ResetToken(_ context.Context, userID, requestID string, expires time.Time) (string, error) {
	return "reset_" + requestID, nil
}

func (open) Mailbox(_ context.Context, address string) (string, error) { return address, nil }

// world is a system whose reactors run when they are told to.
type world struct {
	t         testing.TB
	store     *estest.Memory
	memory    *projectiontest.Memory
	post      *post
	crash     *crash
	module    *Module
	projector *projection.Projector
	now       time.Time
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, store: new(estest.Memory), crash: &crash{after: -1}, now: since.Add(time.Hour)}
	w.memory = &projectiontest.Memory{Fail: func(bool) error { return w.crash.step() }}
	w.post = &post{crash: w.crash}
	w.restart()
	return w
}

// restart is a process that begins anew.
func (w *world) restart() {
	w.crash.at(-1)
	clock := func() time.Time { return w.now }
	store := mortal{w.store, w.crash}
	x := es.Executor{Repository: es.Repository{Store: store}, Now: clock}
	w.module = &Module{Executor: x, Mailer: w.post, Secrets: open{}, From: "annals@example.com", PublicURL: "https://annals.example"}
	w.projector = &projection.Projector{
		Store: store, Rows: w.memory, Parked: w.memory, Deadlines: w.memory, Projections: w.module.Reactors(), Now: clock, Executor: &x,
	}
}

// happens appends events to a stream.
func (w *world) happens(s es.Stream, first events.Event, more ...events.Event) {
	w.t.Helper()
	tip := es.StartOf(s)
	for c, err := range w.store.Read(w.t.Context(), s, es.Range{}) {
		if err == nil {
			tip, err = tip.Follow(c)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	pending, err := tip.Next(es.Meta{CommandID: es.DeriveID(string(s), time.Duration(tip.Version()).String())}, w.now, first, more...)
	if err == nil {
		err = w.store.Append(w.t.Context(), pending)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// runs has everything delivered to the reactors, again and again, while time passes. It reports
// whether the process is still alive then.
func (w *world) runs(rounds int, passes time.Duration) bool {
	w.t.Helper()
	for range rounds {
		for range 3 { // what reactors command wakes reactors
			w.projector.Project(w.t.Context(), w.commits())
		}
		w.now = w.now.Add(passes)
		(&projection.Clock{Projector: w.projector}).Tick(w.t.Context(), w.now.Add(time.Minute))
	}
	return w.crash.step() == nil
}

func (w *world) commits() (all []es.Commit) {
	w.t.Helper()
	for page, err := range w.store.Scan(w.t.Context(), 0, 1, nil) {
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range page.Commits {
			all = append(all, item.Commit)
		}
	}
	return all
}

// happened lists the events of a category of streams.
func (w *world) happened(category string) (all []es.Recorded) {
	w.t.Helper()
	for _, c := range w.commits() {
		if c.Stream.Category() == category {
			recorded, err := c.Recorded()
			if err != nil {
				w.t.Fatal(err)
			}
			all = append(all, recorded...)
		}
	}
	return all
}

// told counts the notifications that were requested, by kind.
func (w *world) told() map[Kind]int {
	w.t.Helper()
	kinds := map[Kind]int{}
	for _, r := range w.happened("notification") {
		if e, ok := r.Event.(events.NotificationRequested); ok {
			kinds[Kind(e.Kind)]++
			if e.UserID != ada {
				w.t.Errorf("%s is for %s", e.Kind, e.UserID)
			}
		}
	}
	return kinds
}

// skipped lists why there was no mail.
func (w *world) skipped() (reasons []string) {
	w.t.Helper()
	for _, r := range w.happened("notification") {
		if e, ok := r.Event.(events.NotificationMailSkipped); ok {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

// subjects lists what was mailed, to whom.
func (w *world) mailed() (all []string) {
	for _, m := range w.post.sent {
		all = append(all, m.To+": "+m.Subject)
	}
	return all
}

func (w *world) parked() []projection.Parked {
	w.t.Helper()
	page, _, err := w.memory.ListParked(w.t.Context(), "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}
