package trust_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// input is what a writer asked for: that an order is carried out, or to see an account.
type input struct {
	Account string
	Read    bool
	New     bool   // as if the account did not exist yet
	ID      string // the command's
	Order   order
	Expect  *es.Version
}

// fingerprint tells requests with the same command id apart.
func (in input) fingerprint() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", in.Order))
	return sum[:]
}

// output is what the writer was told.
type output struct {
	Version es.Version
	Names   estest.Names // of an account that was seen
	Replay  bool
	Refusal *es.Error
	Unknown bool // the command may or may not have taken effect
	Failed  bool // the request did, without any effect
}

// world is the sequential model of some accounts and the names they have claimed: what there
// would be if one command was carried out after the other, without any fault.
type world struct {
	accounts map[string]account
	holders  map[string]string // of exclusive names
}

type account struct {
	names   estest.Names
	version es.Version
	done    []carriedOut
}

type carriedOut struct {
	id, fingerprint string
	version         es.Version
}

// carryOut gives the result of a command and the world after it.
func (w world) carryOut(in input) (output, world) {
	a := w.accounts[in.Account]
	for _, d := range a.done {
		if d.id == in.ID {
			if d.fingerprint != string(in.fingerprint()) {
				return output{Refusal: es.ErrKeyReused}, w
			}
			return output{Version: d.version, Replay: true}, w
		}
	}
	if in.Expect != nil && *in.Expect != a.version {
		return output{Refusal: es.ErrStale}, w
	}
	decided, err := in.Order.Decide(a.names, time.Time{})
	var refusal *es.Error
	if errors.As(err, &refusal) || len(decided) == 0 {
		return output{Version: a.version, Refusal: refusal}, w
	}
	return w.store(in, a, decided)
}

func (w world) store(in input, a account, decided []events.Auth) (output, world) {
	holders := w.holders
	for _, e := range decided {
		name := e.(events.UserNameChanged).New
		if exclusive(name) {
			if holders[name] != "" {
				return output{Refusal: estest.ErrTaken}, w
			}
			holders = with(holders, name, in.Account)
		}
		a.names = a.names.Evolve(e)
	}
	a.version += es.Version(len(decided))
	a.done = append(slices.Clip(a.done), carriedOut{in.ID, string(in.fingerprint()), a.version})
	return output{Version: a.version}, world{with(w.accounts, in.Account, a), holders}
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

// step reports whether a world can give this output, and the world after it. A command that
// others had carried out may be reported without saying so: an executor whose own append had
// an unknown outcome takes it for that.
func (w world) step(in input, out output) (bool, world) {
	if in.Read {
		a := w.accounts[in.Account]
		return out.Version == a.version && slices.Equal(out.Names, a.names), w
	}
	want, next := w.carryOut(in)
	if want.Refusal != nil || out.Refusal != nil {
		return want.Refusal == out.Refusal, next
	}
	return want.Version == out.Version && (want.Replay || !out.Replay), next
}

// equal compares by what was carried out, which everything else follows from.
func (w world) equal(v world) bool {
	return maps.EqualFunc(w.accounts, v.accounts, func(a, b account) bool { return slices.Equal(a.done, b.done) })
}

var hashSeed = maphash.MakeSeed()

func (w world) hash() (h uint64) {
	for id, a := range w.accounts {
		h += maphash.Comparable(hashSeed, [2]any{id, a.done[len(a.done)-1]})
	}
	return h
}
