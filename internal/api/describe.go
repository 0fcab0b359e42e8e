package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Param is what a request may tell besides its path and its body. A handler sees those
// parameters of the query that its route declares, and no others.
type Param struct {
	Name, Text string
	// Schema is that of its values, in the notation of the struct tag "schema" of bodies: words of JSON
	// Schema with their values, as in "type=integer minimum=1" or "enum=asc|desc".
	// Without a type it is a string.
	Schema   string
	In       string // "": the query; "header", "path"
	Required bool
}

// Params are parameters that go together.
type Params []Param

// The parameters that many routes take.
var (
	// Paged is what [Call.Page] reads.
	Paged = Params{
		{Name: "limit", Text: "The size of the page, at most.", Schema: fmt.Sprintf("type=integer minimum=1 maximum=%d default=%d", maxLimit, defaultLimit)},
		{Name: "cursor", Text: "The nextCursor of the page before.", Schema: "minLength=1 maxLength=6000 pattern=^[A-Za-z0-9_-]+$"},
	}
	// Ordered is what [Call.Descending] reads.
	Ordered = Params{{Name: "order", Text: "Oldest first, or newest first.", Schema: "enum=asc|desc default=asc"}}
	// Versioned is for reads whose answer tells the version of what it shows.
	Versioned = Params{{Name: "If-None-Match", Text: "ETags of versions that need not be sent again.", Schema: "maxLength=1000", In: "header"}}
	// TimeTravel is what [Call.Moment] reads, of what is Versioned.
	TimeTravel = append(Params{
		{Name: "atLeast", Text: "A version that the answer has to have seen, such as that of one's own last command.", Schema: "type=integer minimum=1"},
		{Name: "version", Text: "As it was at this version. Not together with at.", Schema: "type=integer minimum=1"},
		{Name: "at", Text: "As it was at this time.", Schema: "format=date-time"},
	}, Versioned...)
	// Waiting is what [Call.Wait] reads.
	Waiting = Params{{Name: "Prefer", Text: "wait=<seconds>: the answer tells the outcome, if it comes in that time, which is cut to 8 seconds.", Schema: "maxLength=200", In: "header"}}
	// WithKey is for commands that are refused without an Idempotency-Key.
	WithKey = Params{{Name: "Idempotency-Key", Text: "A repeat with the same key gives the first answer and changes nothing.", Schema: "minLength=1 maxLength=255 pattern=^[!-~]+$", In: "header", Required: true}}
)

// InQuery is one parameter of the query.
func InQuery(name, text, schema string) Params {
	return Params{{Name: name, Text: text, Schema: schema}}
}

// Does says in one sentence what the route does. Every route does so.
func (r Route) Does(summary string) Route {
	r.Summary = summary
	return r
}

// Takes declares parameters. Those of the path need no declaration, and every command takes
// If-Match and Idempotency-Key. It panics at one whose size nothing bounds.
func (r Route) Takes(params ...Params) Route {
	r.Params = append(slices.Clip(r.Params), slices.Concat(params...)...)
	for _, p := range r.Params {
		if b := readBounds(p.Schema); b.kind == "" && b.format == "" && !b.boundsText() {
			panic(fmt.Sprintf("the parameter %s of %s has no bound", p.Name, r.Key()))
		}
	}
	return r
}

// Gives declares with which statuses the route answers a request that goes well. Without it
// that is 200, or 204 if there is no body.
func (r Route) Gives(statuses ...int) Route {
	r.Statuses = statuses
	return r
}

// Refuses declares refusals of the route's own. Those that follow from how it is declared need
// no mention: of callers, of requests that cannot be read, of other versions than expected.
func (r Route) Refuses(refusals ...*es.Error) Route {
	r.Refusals = append(slices.Clip(r.Refusals), refusals...)
	return r
}

// AtMost limits how often the route is used in a window of time: by each user or, if it is public,
// from each network.
func (r Route) AtMost(n int, window time.Duration) Route {
	r.Limit = Limit{r.Key(), n, window}
	return r
}

// Declared is what a request's query says of the parameters that the route declares. A text in the
// query or in a header that is out of its bounds is an [ErrMalformed].
func (r Route) Declared(query, headers map[string]string) (map[string]string, error) {
	declared := map[string]string{}
	for _, p := range r.Params {
		value, ok := query[p.Name]
		if p.In == "header" {
			value, ok = headers[strings.ToLower(p.Name)]
		}
		if !ok || p.In == "path" {
			continue
		}
		// Whole numbers and times have readers that refuse what they cannot read.
		if b := readBounds(p.Schema); b.kind == "" && b.format == "" {
			if wrong := b.text(value); wrong != "" {
				return nil, Malformed(p.Name + ": " + wrong)
			}
		}
		if p.In == "" {
			declared[p.Name] = value
		}
	}
	return declared, nil
}

// PathParams lists the names in the braces of the path.
func (r Route) PathParams() (names []string) {
	for segment := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// Problems lists every refusal that a request to the route may meet, besides those that any
// request may.
func (r Route) Problems() []*es.Error {
	all := slices.Clone(r.Refusals)
	all = append(all, ErrMalformed)
	if r.In != nil {
		all = append(all, ErrInvalid)
	}
	if r.Access != Public {
		all = append(all, ErrUnauthenticated)
	}
	if r.Access == Self && r.Command {
		all = append(all, ErrForbidden)
	}
	if r.Limit.Most > 0 {
		all = append(all, ErrTooManyTries)
	}
	if r.Access == Self || r.Access == Staff || len(r.PathParams()) > 0 {
		all = append(all, ErrNotFound)
	}
	if r.Command {
		all = append(all, es.ErrConflict, es.ErrErased, es.ErrStale, es.ErrKeyReused, es.ErrTooLarge)
	}
	all = append(all, es.ErrUnavailable, es.ErrUnreachable)
	slices.SortStableFunc(all, func(a, b *es.Error) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Code, b.Code)) })
	return slices.CompactFunc(all, func(a, b *es.Error) bool { return a.Code == b.Code })
}
