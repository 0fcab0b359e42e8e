package trust_test

import (
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/es/estest"
)

// accounts collect names. A name that begins with "only" belongs to one account for ever,
// which a claim in the same transaction sees to.
var accounts = es.Aggregate[estest.Names, events.Auth]{
	Category:      "user",
	Reducer:       2,
	SnapshotEvery: 3,
	Coupled: func(s es.Stream, decided []events.Auth) (claims []es.Step) {
		for _, e := range decided {
			if name := e.(events.UserNameChanged).New; exclusive(name) {
				claims = append(claims, estest.Claims.New(name, estest.Claim(s.ID())))
			}
		}
		return claims
	},
}

func exclusive(name string) bool { return strings.HasPrefix(name, "only") }

// order is a command: give the account these names, if its last name is the right one.
type order struct {
	If    string // the last name; "" is any
	Names []string
}

var errOtherName = &es.Error{Kind: es.Conflict, Code: "other-name", Message: "The account has another name."}

// Decide implements [es.Command].
func (o order) Decide(names estest.Names, _ time.Time) (decided []events.Auth, err error) {
	last := ""
	if len(names) > 0 {
		last = names[len(names)-1]
	}
	switch {
	case slices.Contains(o.Names, "forbidden"):
		return nil, estest.ErrForbidden
	case o.If != "" && o.If != last:
		return nil, errOtherName
	case len(o.Names) == 1 && o.Names[0] == last:
		return nil, nil
	}
	for _, name := range o.Names {
		decided = append(decided, events.UserNameChanged{Old: last, New: name})
		last = name
	}
	return decided, nil
}
