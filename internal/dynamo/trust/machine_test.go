package trust_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/dynamo"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// machine is the store and an executor on it, beside a model of both. One thing is done after
// the other, so that everything but the outcome of a fault can be foretold.
type machine struct {
	wire    wire
	process *process

	accounts []string
	world    world                  // the model
	commits  map[string][]es.Commit // what the accounts' streams hold
	sent     []input
}

func newMachine(t *rapid.T) *machine {
	run := runs.Add(1)
	m := &machine{wire: wire{patience: 250 * time.Millisecond}, commits: map[string][]es.Commit{}}
	m.process = &process{client: m.wire.client(), cache: 1700} // about two accounts
	m.process.restart()
	for i := range 3 {
		m.accounts = append(m.accounts, fmt.Sprintf("%d-0-%d", run, i))
	}
	m.grow(t, m.accounts[0], 14)
	return m
}

// grow gives an account a past that a cold load reads a snapshot for.
func (m *machine) grow(t *rapid.T, account string, commits int) {
	for i := range commits {
		in := input{Account: account, ID: fmt.Sprint("past-", i), Order: order{Names: []string{"a", "b"}}}
		p := m.pending(t, in, 0)
		if err := clean.Append(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		m.sent = append(m.sent, in)
		m.keep(in, p.Commit())
	}
}

// pending is a commit of two names to an account as it was some commits ago.
func (m *machine) pending(t *rapid.T, in input, behind int) es.Pending {
	tip := m.tip(t, in.Account, len(m.commits[in.Account])-behind)
	p, err := tip.Next(es.Meta{CommandID: in.ID, Fingerprint: in.fingerprint()}, estest.Now,
		events.UserNameChanged{New: in.Order.Names[0]}, events.UserNameChanged{New: in.Order.Names[1]})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// keep moves the model on by a commit that is stored.
func (m *machine) keep(in input, c es.Commit) {
	_, m.world = m.world.carryOut(in)
	m.commits[in.Account] = append(m.commits[in.Account], c)
}

func TestTheStoreAndTheExecutorDoWhatTheirModelDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"append":   m.append,
			"read":     m.read,
			"command":  m.command,
			"repeat":   m.repeat,
			"see":      m.see,
			"snapshot": m.snapshot,
			"spoil":    m.spoil,
			"restart":  func(*rapid.T) { m.process.restart() },
		})
		for _, account := range m.accounts {
			if got := m.stored(t, account, 0); !reflect.DeepEqual(got, m.commits[account]) {
				t.Fatalf("%s holds\n%+v, want\n%+v", account, got, m.commits[account])
			}
		}
	})
}

func (m *machine) account(t *rapid.T) string { return rapid.SampledFrom(m.accounts).Draw(t, "account") }

func (m *machine) version(account string) es.Version { return m.world.accounts[account].version }

// weather is calm most of the time, and else it may storm from the first request on.
func (m *machine) weather(t *rapid.T) (ctx context.Context, calm bool) {
	if rapid.IntRange(0, 2).Draw(t, "weather") < 2 {
		return t.Context(), true
	}
	w := newWeather(rapid.Uint64().Draw(t, "seed"), 0)
	w.storm = rapid.IntRange(0, 30).Draw(t, "storm")
	return under(t.Context(), w), false
}

// stored is what a stream holds after a version, once nothing is on its way to it any more.
func (m *machine) stored(t *rapid.T, account string, after es.Version) (commits []es.Commit) {
	m.wire.drain()
	for c, err := range clean.Read(t.Context(), es.NewStream(accounts.Category, account), es.Range{After: after}) {
		if err != nil {
			t.Fatal(err)
		}
		commits = append(commits, c)
	}
	return commits
}

// tip is where an account's stream ended after so many commits.
func (m *machine) tip(t *rapid.T, account string, commits int) es.Tip {
	tip := es.StartOf(es.NewStream(accounts.Category, account))
	for _, c := range m.commits[account][:commits] {
		next, err := tip.Follow(c)
		if err != nil {
			t.Fatal(err)
		}
		tip = next
	}
	return tip
}

func name(t *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name") }

// append appends to some streams at once, from their tips or from earlier ones.
func (m *machine) append(t *rapid.T) {
	stale := false
	id := fmt.Sprint("append-", len(m.sent))
	var inputs []input
	var pending []es.Pending
	for _, account := range rapid.SliceOfNDistinct(rapid.SampledFrom(m.accounts), 1, 3, rapid.ID[string]).Draw(t, "accounts") {
		in := input{Account: account, ID: id, Order: order{Names: []string{name(t), name(t)}}}
		behind := min(max(0, rapid.IntRange(-6, 3).Draw(t, "behind")), len(m.commits[account]))
		stale = stale || behind > 0
		inputs, pending = append(inputs, in), append(pending, m.pending(t, in, behind))
	}
	store := m.process.executor.Load().Store
	ctx, calm := m.weather(t)
	err := store.Append(ctx, pending...)
	there := 0
	for _, p := range pending {
		c := p.Commit()
		got := m.stored(t, c.Stream.ID(), m.version(c.Stream.ID()))
		if len(got) > 0 && !(len(got) == 1 && reflect.DeepEqual(got[0], c)) {
			t.Fatalf("after an append of\n%+v\n%s holds\n%+v", c, c.Stream, got)
		}
		there += len(got)
	}
	unknown := errors.Is(err, es.ErrUnavailable)
	switch {
	case stale && there > 0, there > 0 && there < len(pending),
		unknown && calm, err == nil && there == 0, err == es.ErrConflict && (there > 0 || !stale),
		err != nil && err != es.ErrConflict && !unknown:
		t.Fatalf("stale: %v, calm: %v, error %v, and %d of %d commits are stored", stale, calm, err, there, len(pending))
	}
	// Appending the same again settles what is unknown, and changes nothing else.
	if again := store.Append(t.Context(), pending...); (again == nil) == stale {
		t.Fatalf("stale: %v, error %v, and then %v", stale, err, again)
	}
	m.sent = append(m.sent, inputs...)
	if !stale {
		for i, p := range pending {
			m.keep(inputs[i], p.Commit())
		}
	}
}

// read reads any range, both ways.
func (m *machine) read(t *rapid.T) {
	account := m.account(t)
	v := rapid.Uint64Range(0, uint64(m.version(account))+1)
	r := es.Range{
		After:    es.Version(v.Draw(t, "after")),
		Through:  es.Version(v.Draw(t, "through")),
		Backward: rapid.Bool().Draw(t, "backward"),
		Limit:    rapid.IntRange(0, 4).Draw(t, "limit"),
	}
	want := slices.Clone(m.commits[account])
	want = slices.DeleteFunc(want, func(c es.Commit) bool {
		return c.Version <= r.After || r.Through > 0 && c.Version > r.Through
	})
	if r.Backward {
		slices.Reverse(want)
	}
	if r.Limit > 0 {
		want = want[:min(len(want), r.Limit)]
	}
	ctx, calm := m.weather(t)
	var got []es.Commit
	for c, err := range m.process.executor.Load().Store.Read(ctx, es.NewStream(accounts.Category, account), r) {
		switch {
		case err == nil:
			got = append(got, c)
		case calm || unexplained(err) != nil:
			t.Fatalf("%+v: %v", r, err)
		default:
			want = want[:len(got)] // what came before the error has to be right all the same
		}
	}
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v: got\n%+v, want\n%+v", r, got, want)
	}
}

// command has the executor carry out a new command.
func (m *machine) command(t *rapid.T) {
	in := input{Account: m.account(t), ID: fmt.Sprint("command-", len(m.sent)), New: rapid.IntRange(0, 3).Draw(t, "new") == 3}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		in.Order.Names = []string{"forbidden"}
	case 1:
		in.Order.Names = []string{fmt.Sprintf("only-%s-%d", m.accounts[0], rapid.IntRange(0, 5).Draw(t, "which"))}
	case 2:
		in.Order.If, in.Order.Names = name(t), []string{name(t), name(t)}
	default:
		in.Order.Names = []string{name(t)}
	}
	if rapid.IntRange(0, 2).Draw(t, "if-match") == 2 {
		v := m.version(in.Account) + 1 - es.Version(rapid.IntRange(0, 1).Draw(t, "right"))
		in.Expect = &v
	}
	m.sent = append(m.sent, in)
	m.carryOut(t, in)
}

// repeat has it carry out a command again, or another one with the same id.
func (m *machine) repeat(t *rapid.T) {
	if len(m.sent) == 0 {
		t.Skip("nothing to repeat")
	}
	in := rapid.SampledFrom(m.sent).Draw(t, "command")
	if rapid.IntRange(0, 4).Draw(t, "reused") == 4 {
		in.Order.If = "something else"
	}
	in.New = rapid.Bool().Draw(t, "new")
	m.carryOut(t, in)
}

func (m *machine) carryOut(t *rapid.T, in input) {
	want, next := m.world.carryOut(in)
	changes := want.Refusal == nil && !want.Replay && want.Version > m.version(in.Account)
	ctx, calm := m.weather(t)
	got, err := m.process.do(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	news := m.stored(t, in.Account, m.version(in.Account))
	uncertain := got.Unknown || got.Failed
	switch {
	case uncertain && calm, len(news) > 1, len(news) == 1 && (!changes || got.Failed), changes && len(news) == 0 && !uncertain:
		t.Fatalf("%+v gave %+v, want %+v; newly stored: %+v", in, got, want, news)
	case uncertain:
	case got.Refusal != want.Refusal, want.Refusal == nil && got.Version != want.Version,
		got.Replay != want.Replay && (calm || got.Replay):
		t.Fatalf("%+v gave %+v, want %+v", in, got, want)
	}
	if len(news) == 1 {
		m.take(t, in, next, news[0])
	}
}

// take makes sure that a new commit is the command's, and moves the model on.
func (m *machine) take(t *rapid.T, in input, next world, c es.Commit) {
	tip := m.tip(t, in.Account, len(m.commits[in.Account]))
	after, err := tip.Follow(c)
	recorded, decodeErr := c.Recorded()
	if err != nil || decodeErr != nil || c.Hash != c.ComputeHash() || c.CommandID != in.ID || c.At.Before(tip.Clamp(time.Time{})) {
		t.Fatalf("%+v stored %+v, errors %v, %v", in, c, err, decodeErr)
	}
	names := m.world.accounts[in.Account].names
	for _, r := range recorded {
		names = names.Evolve(r.Event.(events.Auth))
	}
	m.world = next
	if !slices.Equal(names, m.world.accounts[in.Account].names) || after.Version() != m.version(in.Account) {
		t.Fatalf("%+v stored %+v, which gives the names %q", in, c, names)
	}
	m.commits[in.Account] = append(m.commits[in.Account], c)
	for _, n := range in.Order.Names {
		if exclusive(n) {
			claim, err := readWhole(t.Context(), es.NewStream(estest.Claims.Category, n))
			if err != nil || len(claim.commits) != 1 || claim.commits[0].CommandID != in.ID {
				t.Fatalf("%+v has stored the claims %+v, error %v", in, claim.commits, err)
			}
		}
	}
}

// see loads an account.
func (m *machine) see(t *rapid.T) { m.look(t, m.account(t)) }

func (m *machine) look(t *rapid.T, account string) {
	in := input{Account: account, Read: true}
	ctx, calm := m.weather(t)
	got, err := m.process.do(ctx, in)
	if err != nil || got.Failed && calm {
		t.Fatalf("%+v: %+v, error %v", in, got, err)
	}
	if ok, _ := m.world.step(in, got); !ok && !got.Failed {
		t.Fatalf("%s is at version %d with the names %q; want %+v", in.Account, got.Version, got.Names, m.world.accounts[in.Account])
	}
}

// snapshot has a snapshot made, which in calm weather has to be there afterwards.
func (m *machine) snapshot(t *rapid.T) {
	account := m.account(t)
	ctx, calm := m.weather(t)
	if err := m.process.snapshot(ctx, account, m.commits[account]...); err != nil {
		t.Fatal(err)
	}
	if !calm || m.version(account) < es.Version(accounts.SnapshotEvery) {
		return
	}
	m.wire.drain()
	s, ok, err := (&dynamo.Snapshots{Client: clean.Client, Table: snapshotsTable}).Load(t.Context(), es.NewStream(accounts.Category, account))
	if err != nil || !ok || s.Version != m.version(account) || s.Hash != s.ComputeHash() || s.Reducer != accounts.Reducer {
		t.Fatalf("the snapshot is %+v, %v, error %v; want version %d", s, ok, err, m.version(account))
	}
}

// spoil has a snapshot made, spoils it, and looks at the account with nothing in memory.
func (m *machine) spoil(t *rapid.T) {
	account := m.account(t)
	if err := m.process.snapshot(t.Context(), account, m.commits[account]...); err != nil {
		t.Fatal(err)
	}
	how := rapid.IntRange(0, len(spoilers)-1).Draw(t, "how")
	if err := spoilSnapshot(t.Context(), account, how); err != nil {
		t.Fatal(err)
	}
	m.process.restart()
	m.look(t, account)
}
