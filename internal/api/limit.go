package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Limit is how often something may be done in a window of time.
type Limit struct {
	What   string // is done: under different ones it is counted apart
	Most   int
	Window time.Duration // a part of a day
}

// Use is one more time that somebody does what is limited. [Limiter.Use] makes uses.
type Use struct {
	// Unless, if set, is asked when it has been done too often, and may let it pass.
	Unless func(context.Context) (bool, error)

	limit Limit
	name  string // of its count; "": whoever it is is not limited
	end   time.Time
}

// spare is how long after its window a count is kept: a call that began in it may end later.
const spare = time.Minute

// ErrTooManyTries: something has been done too often. The same is said whether there is an
// account, a payment or whatever it is about, or not.
var ErrTooManyTries = &es.Error{Kind: es.Limited, Code: "too-many-tries", Message: "There were too many tries. Wait before the next one."}

// Tries keeps counts by their names.
type Tries interface {
	// Add changes counts, each in one atomic step and all at the same time, and gives what they
	// are then, in their order.
	Add(ctx context.Context, counts ...Count) ([]int, error)
	// Until gives when a count may be forgotten, the zero time if there is none.
	Until(ctx context.Context, name string) (time.Time, error)
}

// Count is a change of a count, which may be forgotten after a moment.
type Count struct {
	Name  string
	N     int // is added
	Until time.Time
}

// Limiter counts what is limited. Names of counts are keyed hashes, so that they tell nobody whom
// they are about.
type Limiter struct {
	Tries Tries
	Key   []byte
	Now   func() time.Time
}

// Use is a use in the present window by somebody, or about somebody, whom some texts tell; if all
// of them are empty, it is not limited.
func (l *Limiter) Use(limit Limit, who ...string) Use {
	start := l.Now().Truncate(limit.Window)
	u := Use{limit: limit, end: start.Add(limit.Window)}
	if text := strings.Join(who, " "); text != "" {
		u.name = strconv.FormatInt(start.Unix(), 10) + "/" + l.name(limit.What, text)
	}
	return u
}

// Take counts uses before anybody knows what comes of them, so that those of the same moment see
// each other. The error is an [ErrTooManyTries] if a limit does not have room for one of them;
// they count even so.
func (l *Limiter) Take(ctx context.Context, uses ...Use) error {
	uses = slices.DeleteFunc(uses, func(u Use) bool { return u.name == "" })
	all, err := l.Tries.Add(ctx, counts(uses, 1)...)
	if err != nil {
		return err
	}
	for i, u := range uses {
		if all[i] <= u.limit.Most {
			continue
		}
		if u.Unless != nil {
			pass, err := u.Unless(ctx)
			if err != nil {
				return err
			}
			if pass {
				continue
			}
		}
		refusal := *ErrTooManyTries
		refusal.After = max(u.end.Sub(l.Now()), time.Second) // the window may be over by now
		return &refusal
	}
	return nil
}

// GiveBack takes back uses that turned out to be none of those that are limited. Together with
// that it remembers things.
func (l *Limiter) GiveBack(ctx context.Context, uses []Use, remember ...Count) error {
	_, err := l.Tries.Add(ctx, append(counts(uses, -1), remember...)...)
	return err
}

// Memory is something about somebody that GiveBack remembers, for a while, and Remembers finds.
func (l *Limiter) Memory(what, who string, life time.Duration) Count {
	return Count{l.name(what, who), 1, l.Now().Add(life)}
}

// Remembers reports whether something is remembered.
func (l *Limiter) Remembers(ctx context.Context, memory Count) (bool, error) {
	until, err := l.Tries.Until(ctx, memory.Name)
	return l.Now().Before(until), err
}

func counts(uses []Use, n int) (all []Count) {
	for _, u := range uses {
		if u.name != "" {
			all = append(all, Count{u.name, n, u.end.Add(spare)})
		}
	}
	return all
}

func (l *Limiter) name(what, who string) string {
	mac := hmac.New(sha256.New, l.Key)
	fmt.Fprintf(mac, "%d:%s,%s", len(what), what, who)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Network is where a call comes from, as far as limits tell networks apart: an IPv4 address, or
// the /64 of an IPv6 one, of which every customer has all addresses (RIPE-690). It is "" for this
// machine itself, which nobody else can claim to be.
func (c Call) Network() string {
	address, err := netip.ParseAddr(c.Source)
	switch address = address.Unmap(); {
	case err != nil:
		return c.Source
	case address.IsLoopback():
		return ""
	case address.Is6():
		return netip.PrefixFrom(address, 64).Masked().String()
	}
	return address.String()
}
