package payment_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/api"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
	"github.com/interview-sandbox/annals/internal/payment"
	"github.com/interview-sandbox/annals/internal/projection"
	"github.com/interview-sandbox/annals/internal/projection/projectiontest"
	"github.com/interview-sandbox/annals/internal/sandbox"
	"github.com/interview-sandbox/annals/internal/sandbox/sandboxtest"
)

var (
	schedules = flag.Int("schedules", 5_000, "how many random schedules the simulator runs")
	seed      = flag.Uint64("seed", 0, "the one schedule to run; 0: all")
)

const ada = "0197a0f0-0000-7000-8000-000000000001"

var payer = payment.Actor{ID: ada}

// world is the module, its reactor and the sandbox under a random schedule. Whatever is
// written, called or sent may fail before or after it takes effect, as after a crash; records
// of the stream and webhooks come in any order, late, and more than once.
type world struct {
	ctx      context.Context
	random   *rand.Rand
	store    *estest.Memory
	memory   *projectiontest.Memory
	ledger   *sandbox.Provider
	module   *payment.Module
	reactors []*projection.Projector
	ids      []string // of the payments
	used     []asked  // commands that were sent
	mail     [][]byte // webhooks that the provider has sent
	given    map[es.Hash]bool
	heard    map[int]bool
	calm     bool
	now      time.Time
	broken   sabotage
	met      map[string]bool // statuses that payments came to, and what happened on the way
}

// sabotage takes one piece away.
type sabotage struct {
	key    func(w *world, key string) string // instead of the idempotency key of a call
	hasty  bool                              // calls are never said to be late
	refund func(payment.RequestRefund) command
	take   func(payment.RequestCapture) command
}

type command = es.Command[payment.Payment, events.Payment]

// asked is a command with its id, which a client may send again.
type asked struct {
	id   string
	step es.Step
}

var errBusy = errors.New("busy")

func newWorld(ctx context.Context, seed uint64, broken sabotage) *world {
	w := &world{
		ctx: ctx, random: rand.New(rand.NewPCG(seed, 5)), store: new(estest.Memory), memory: new(projectiontest.Memory),
		given: map[es.Hash]bool{}, heard: map[int]bool{}, now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), broken: broken,
		met: map[string]bool{},
	}
	clock := func() time.Time { return w.now }
	w.memory.Fail = func(bool) error { return w.fault(3) }
	w.ledger = &sandbox.Provider{
		Ledger: new(sandboxtest.Memory), Webhooks: mailbox{w}, Now: clock,
		Secret: func(context.Context) ([]byte, error) { return []byte("secret"), nil },
	}
	x := es.Executor{Repository: es.Repository{Store: unreliable{w.store, w}}, Now: clock}
	w.module = &payment.Module{Executor: x, Provider: line{w.ledger, w}}
	for range 2 {
		w.reactors = append(w.reactors, &projection.Projector{
			Store: w.store, Rows: w.memory, Parked: w.memory, Deadlines: w.memory, Parallel: 1,
			Executor: &x, Projections: w.module.Reactors(), Now: clock,
		})
	}
	return w
}

func (w *world) fault(percent int) error {
	if !w.calm && w.random.IntN(100) < percent {
		return errBusy
	}
	return nil
}

// unreliable is the store of a process that may crash before and after a write.
type unreliable struct {
	*estest.Memory
	w *world
}

func (u unreliable) Append(ctx context.Context, pending ...es.Pending) error {
	if err := u.w.fault(3); err != nil {
		return err
	}
	if u.w.fault(3) != nil {
		u.Fail([]estest.Fault{estest.Before, estest.LostReply}[u.w.random.IntN(2)])
	}
	if err := u.Memory.Append(ctx, pending...); err != nil {
		return err
	}
	return u.w.fault(3)
}

// mailbox keeps what the provider sends until the schedule has it arrive.
type mailbox struct{ w *world }

func (m mailbox) Send(_ context.Context, _ string, body []byte) error {
	if err := m.w.fault(10); err != nil {
		return err
	}
	m.w.mail = append(m.w.mail, body)
	return m.w.fault(10)
}

// line is the way to the provider, on which calls and answers get lost.
type line struct {
	payment.Provider
	w *world
}

func (l line) call(key string, make func(key string) (payment.Report, error)) (payment.Report, error) {
	if err := l.w.fault(15); err != nil {
		return payment.Report{}, err
	}
	if l.w.broken.key != nil {
		key = l.w.broken.key(l.w, key)
	}
	report, err := make(key)
	if err == nil {
		l.w.elsewhere()
		err = l.w.fault(15)
	}
	return report, err
}

func (l line) Authorize(ctx context.Context, key string, c payment.Charge) (payment.Report, error) {
	c.Late = c.Late && !l.w.broken.hasty
	return l.call(key, func(key string) (payment.Report, error) { return l.Provider.Authorize(ctx, key, c) })
}

func (l line) Capture(ctx context.Context, key string, c payment.Capture) (payment.Report, error) {
	return l.call(key, func(key string) (payment.Report, error) { return l.Provider.Capture(ctx, key, c) })
}

func (l line) Void(ctx context.Context, key, id, reference string) (payment.Report, error) {
	return l.call(key, func(key string) (payment.Report, error) { return l.Provider.Void(ctx, key, id, reference) })
}

func (l line) Refund(ctx context.Context, key string, r payment.Repayment) (payment.Report, error) {
	r.Late = r.Late && !l.w.broken.hasty
	return l.call(key, func(key string) (payment.Report, error) { return l.Provider.Refund(ctx, key, r) })
}

// elsewhere is what others do between a call's effect and its answer.
func (w *world) elsewhere() {
	if !w.calm && w.random.IntN(4) == 0 {
		w.wish()
		w.arrive()
	}
}

// run runs a schedule, then lets all that is under way come to its end, and compares what we
// have with what the provider has.
func (w *world) run() error {
	w.request()
	for range 10 + w.random.IntN(30) {
		switch n := w.random.IntN(20); {
		case n < 1 && len(w.ids) < 3:
			w.request()
		case n < 7:
			w.wish()
		case n < 13:
			w.deliver()
		case n < 16:
			w.arrive()
		default:
			w.pass()
		}
	}
	w.calm = true
	if err := w.settle(); err != nil {
		return err
	}
	for _, id := range w.ids {
		if err := w.compare(id); err != nil {
			return fmt.Errorf("%w\n%s", err, w.story(id))
		}
	}
	return nil
}

func (w *world) id(kind string) string {
	return es.DeriveID(kind, fmt.Sprint(len(w.used)), fmt.Sprint(w.random.Uint64()))
}

// send has a command carried out, whatever comes of it.
func (w *world) send(a asked) {
	w.used = append(w.used, a)
	_, _ = w.module.Execute(w.ctx, es.Meta{CommandID: a.id, Actor: ada}, nil, a.step)
}

func (w *world) request() {
	id := w.id("payment")
	w.ids = append(w.ids, id)
	w.send(asked{w.id("command"), payment.Aggregate.New(id, payment.Request{
		PayerID: ada, Provider: sandbox.Name, Amount: 1 + w.random.Int64N(9), Currency: "EUR",
		Method:  sandbox.Methods[w.random.IntN(len(sandbox.Methods))],
		Capture: []string{"automatic", "manual"}[w.random.IntN(2)], Description: "Order 7",
	})})
}

// wish is what the payer asks for, which may be the same again.
func (w *world) wish() {
	if w.random.IntN(6) == 0 {
		w.send(w.used[w.random.IntN(len(w.used))])
		return
	}
	var c command
	amount := w.random.Int64N(10)
	switch n := w.random.IntN(10); {
	case n < 4:
		take := payment.RequestCapture{By: payer, CaptureID: w.id("capture"), Amount: amount}
		if c = take; w.broken.take != nil {
			c = w.broken.take(take)
		}
	case n < 5:
		c = payment.RequestCancel{By: payer}
	case n < 9:
		refund := payment.RequestRefund{By: payer, RefundID: w.id("refund"), Amount: amount / 2, Reason: "Late"}
		if c = refund; w.broken.refund != nil {
			c = w.broken.refund(refund)
		}
	default:
		c = payment.ErasePayer{PayerID: ada}
	}
	w.send(asked{w.id("command"), payment.Aggregate.On(w.ids[w.random.IntN(len(w.ids))], c)})
}

func (w *world) commits() (all []es.Commit) {
	for _, id := range w.ids {
		for c, err := range w.store.Read(w.ctx, es.NewStream("payment", id), es.Range{}) {
			if err != nil {
				panic(err)
			}
			all = append(all, c)
		}
	}
	return all
}

// deliver gives a reactor some records of the stream: any, in any order.
func (w *world) deliver() {
	all := w.commits()
	if len(all) == 0 {
		return
	}
	batch := make([]es.Commit, 1+w.random.IntN(3))
	for i := range batch {
		batch[i] = all[w.random.IntN(len(all))]
		if w.random.IntN(2) == 0 {
			batch[i] = all[len(all)-1]
		}
	}
	w.give(batch)
}

func (w *world) give(batch []es.Commit) {
	failed := w.reactors[w.random.IntN(2)].Project(w.ctx, batch)
	for i, c := range batch {
		if failed[i] == nil {
			w.given[c.Hash] = true
		}
	}
}

// arrive has a webhook arrive: any that was sent.
func (w *world) arrive() {
	if len(w.mail) > 0 {
		w.hear(w.random.IntN(len(w.mail)))
	}
}

func (w *world) hear(n int) error {
	route, params := api.Match(w.module.Routes(), "POST", "/payments/webhooks/sandbox")
	_, err := route.Serve(w.ctx, api.Call{
		Params: params, Headers: map[string]string{strings.ToLower(sandbox.Header): sandbox.Sign([]byte("secret"), w.now, w.mail[n])},
	}, w.mail[n])
	w.heard[n] = w.heard[n] || err == nil
	return err
}

// pass lets time pass, often too much for an authorization.
func (w *world) pass() {
	w.now = w.now.Add([]time.Duration{time.Minute, time.Hour, 4 * 24 * time.Hour}[w.random.IntN(3)])
	w.tick()
}

func (w *world) tick() error {
	_, err := (&projection.Clock{Projector: w.reactors[w.random.IntN(2)]}).Tick(w.ctx, w.now.Add(time.Hour))
	return err
}

// settle brings all records and webhooks, and days of time, without faults.
func (w *world) settle() error {
	for range 40 {
		for _, c := range w.commits() {
			if !w.given[c.Hash] {
				w.give([]es.Commit{c})
			}
		}
		for n := range w.mail {
			if !w.heard[n] {
				if err := w.hear(n); err != nil {
					return fmt.Errorf("a webhook is refused: %w", err)
				}
			}
		}
		w.now = w.now.Add(time.Hour)
		if err := w.tick(); err != nil {
			return fmt.Errorf("a deadline is not answered: %w", err)
		}
		left, err := w.redrive()
		if err != nil {
			return err
		}
		if left == 0 && w.quiet() {
			return nil
		}
	}
	return errors.New("it does not come to an end")
}

// redrive tries again what was given up after a day.
func (w *world) redrive() (left int, err error) {
	all, _, err := w.memory.ListParked(w.ctx, "", 100)
	for _, p := range all {
		still, failure := w.reactors[0].Redrive(w.ctx, p)
		err = errors.Join(err, failure)
		if still {
			left++
			err = errors.Join(err, errors.New(p.Error))
		}
	}
	return left, err
}

// quiet reports whether all has arrived, and no effect waits to be tried again.
func (w *world) quiet() bool {
	for _, c := range w.commits() {
		if !w.given[c.Hash] {
			return false
		}
	}
	for n := range w.mail {
		if !w.heard[n] {
			return false
		}
	}
	for shard := range projection.DeadlineShards {
		due, _, err := w.memory.ListDue(w.ctx, shard, w.now.Add(1000*time.Hour), "", 100)
		if err != nil || slices.ContainsFunc(due, func(d projection.Deadline) bool { return d.Effect > 0 }) {
			return false
		}
	}
	return true
}

// compare demands of a payment that no more was ever moved than there was, and that we know
// how it stands.
func (w *world) compare(id string) error {
	theirs, _, err := w.ledger.Account(w.ctx, id)
	if err != nil {
		return err
	}
	ours, _, ok, err := es.FoldAt(w.ctx, w.store, es.NewStream("payment", id), es.Moment{}, func(p payment.Payment, e es.Recorded) payment.Payment {
		w.met[e.Event.EventType()] = true
		return p.Evolve(e.Event.(events.Payment))
	})
	w.met[ours.Status()] = true
	var refunded int64
	refunds := map[string]int{}
	for _, r := range ours.Refunds {
		if r.Status == payment.RefundDone {
			refunded += r.Amount
		}
	}
	for _, r := range theirs.Refunds {
		refunds[r.ID]++
	}
	switch {
	case err != nil:
		return err
	case !ok && theirs.Charges == 0:
		return nil // the request was lost
	case theirs.Charges != 1:
		return fmt.Errorf("it was charged %d times", theirs.Charges)
	case theirs.Excess > 0:
		return fmt.Errorf("%d times more was to be moved than there was", theirs.Excess)
	case theirs.Captured > theirs.Authorized || theirs.Refunded() > theirs.Captured || len(refunds) != len(theirs.Refunds):
		return errors.New("more was moved than there was, or twice")
	case ours.Canceling && ours.Captured > 0 && !slices.ContainsFunc(ours.Refunds, func(r payment.Refund) bool { return r.ID == es.DeriveID("cancel", id) }):
		return errors.New("it was canceled, then captured, and not given back")
	case ours.UnderWay():
		return errors.New("something is still under way")
	case ours.Authorized != theirs.Authorized || ours.Captured != theirs.Captured || refunded != theirs.Refunded() || ours.Declined != theirs.Declined ||
		ours.Captured == 0 && (ours.Canceled || ours.Expired) != theirs.Voided ||
		ours.Disputed != theirs.Disputed && !theirs.Untold():
		return errors.New("our state is not the ledger's")
	}
	return nil
}

// story tells what happened to a payment.
func (w *world) story(id string) string {
	var told []string
	for _, c := range w.commits() {
		recorded, err := c.Recorded()
		for _, r := range recorded {
			if r.Stream.ID() == id {
				told = append(told, fmt.Sprintf("%s %s %+v", r.At.Format(time.DateTime), r.Event.EventType(), r.Event))
			}
		}
		if err != nil {
			told = append(told, err.Error())
		}
	}
	account, _, _ := w.ledger.Account(w.ctx, id)
	account.Answers, account.Told = nil, nil
	text, _ := json.Marshal(account)
	return strings.Join(append(told, "ledger: "+string(text)), "\n")
}

// simulate runs one schedule, in a bubble in which waiting takes no time.
func simulate(t *testing.T, seed uint64, broken sabotage) (err error) {
	synctest.Test(t, func(t *testing.T) { err = newWorld(t.Context(), seed, broken).run() })
	return err
}

func TestNoScheduleMovesMoneyTwiceOrMoreThanThereIs(t *testing.T) {
	if *seed > 0 {
		if err := simulate(t, *seed, sabotage{}); err != nil {
			t.Fatal(err)
		}
		return
	}
	workers := uint64(runtime.GOMAXPROCS(0))
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for n := 1 + worker; n <= uint64(*schedules); n += workers {
				if err := simulate(t, n, sabotage{}); err != nil {
					t.Fatalf("schedule %d (go test ./internal/payment -run NoSchedule -seed %d repeats it): %v", n, n, err)
				}
			}
		})
	}
}

// A simulator that seldom comes far would prove nothing.
func TestTheSimulatorComesToEveryStatusByWayOfEveryEvent(t *testing.T) {
	met := map[string]bool{}
	for n := uint64(1); n <= 200; n++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t.Context(), n, sabotage{})
			if err := w.run(); err != nil {
				t.Error(err)
			}
			maps.Copy(met, w.met)
		})
	}
	for _, e := range events.Types() {
		if strings.HasPrefix(e, "payment.") && !met[e] {
			t.Errorf("%s never happened", e)
		}
	}
	for _, status := range []string{payment.Captured, payment.PartiallyRefunded, payment.Refunded, payment.Declined, payment.Canceled, payment.Expired, payment.Disputed} {
		if !met[status] {
			t.Errorf("no payment came to be %s", status)
		}
	}
}

// What keeps the money right must not be there in vain: without any piece of it the simulator
// finds a schedule that goes wrong.
func TestTheSimulatorNoticesAMissingPiece(t *testing.T) {
	for name, broken := range map[string]sabotage{
		"the idempotency key":                                {key: func(w *world, key string) string { return key + fmt.Sprint(w.random.Uint64()) }},
		"the look for what a key that is forgotten has done": {hasty: true},
		"the refunds under way":                              {refund: func(c payment.RequestRefund) command { return hastyRefund{c} }},
		"the capture under way":                              {take: func(c payment.RequestCapture) command { return hastyCapture{c} }},
		"the bound of what is left":                          {refund: func(c payment.RequestRefund) command { return boundlessRefund{c} }},
	} {
		t.Run(name, func(t *testing.T) {
			for n := uint64(1); n <= 1000; n++ {
				if err := simulate(t, n, broken); err != nil {
					reason, _, _ := strings.Cut(err.Error(), "\n")
					t.Logf("schedule %d shows it: %v", n, reason)
					return
				}
			}
			t.Error("1000 schedules came out right without it")
		})
	}
}

// hastyRefund does not know of refunds that are not decided.
type hastyRefund struct{ payment.RequestRefund }

func (c hastyRefund) Decide(p payment.Payment, now time.Time) ([]events.Payment, error) {
	p.Refunds = slices.DeleteFunc(slices.Clone(p.Refunds), func(r payment.Refund) bool { return r.Status == payment.RefundRequested })
	return c.RequestRefund.Decide(p, now)
}

// boundlessRefund does not know of any refund.
type boundlessRefund struct{ payment.RequestRefund }

func (c boundlessRefund) Decide(p payment.Payment, now time.Time) ([]events.Payment, error) {
	p.Refunds = nil
	return c.RequestRefund.Decide(p, now)
}

// hastyCapture does not know of a capture that is not decided.
type hastyCapture struct{ payment.RequestCapture }

func (c hastyCapture) Decide(p payment.Payment, now time.Time) ([]events.Payment, error) {
	p.Capturing = payment.Capturing{}
	return c.RequestCapture.Decide(p, now)
}
