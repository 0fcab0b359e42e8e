// Package api declares HTTP routes apart from what carries them: a module says which
// requests it answers, who may send them, and with which Go types bodies are read and
// written. The gateway package serves these declarations.
package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/interview-sandbox/annals/internal/es"
)

// Route is one call of the API. [Command] and [Query] make routes.
type Route struct {
	Method  string
	Path    string // with parameters in braces: /auth/users/{id}
	Access  Access
	Command bool         // changes something; otherwise a read
	In, Out reflect.Type // of the bodies; nil: none
	Raw     bool         // the request's body is handed on as it came

	Limit Limit // of how often it is used, see [Route.AtMost]

	// What it says about itself, as [Route.Does], Takes, Gives and Refuses have declared it.
	Summary  string
	Params   Params
	Statuses []int
	Refusals []*es.Error

	// Serve answers one request whose caller Access has let through.
	Serve func(ctx context.Context, c Call, body []byte) (Response, error)
}

// Key is the name that API Gateway gives to the route: "GET /health".
func (r Route) Key() string { return r.Method + " " + r.Path }

// Command declares a route that changes something. The pattern is a method and a path; a
// request's body is decoded strictly into In, which is struct{} where there is no body. Every field
// declares its bounds, in the struct tag "schema"; Command panics at one that does not.
func Command[In, Out any](pattern string, access Access, handle func(context.Context, Call, In) (Reply[Out], error)) Route {
	r := declare[Out](pattern, access)
	r.Command = true
	if in := reflect.TypeFor[In](); in.NumField() > 0 {
		r.In = in
	}
	fields := boundedFields(reflect.TypeFor[In]())
	r.Serve = func(ctx context.Context, c Call, body []byte) (Response, error) {
		var in In
		if r.In != nil && (len(body) > 0 || !r.BodyOptional()) {
			if err := decode(body, &in); err != nil {
				return Response{}, err
			}
		}
		if err := check(fields, reflect.ValueOf(in)); err != nil {
			return Response{}, err
		}
		if err := c.fingerprint(r, in); err != nil {
			return Response{}, err
		}
		reply, err := handle(ctx, c, in)
		return reply.response(), err
	}
	return r
}

// Raw declares a command whose body is handed on as it came, because its signature is over
// these very bytes.
func Raw[Out any](pattern string, access Access, handle func(ctx context.Context, c Call, body []byte) (Reply[Out], error)) Route {
	r := declare[Out](pattern, access)
	r.Command, r.Raw = true, true
	r.Serve = func(ctx context.Context, c Call, body []byte) (Response, error) {
		reply, err := handle(ctx, c, body)
		return reply.response(), err
	}
	return r
}

// BodyOptional reports whether a request may come without a body, because every field of it
// may be left out.
func (r Route) BodyOptional() bool {
	for _, f := range reflect.VisibleFields(r.In) {
		if _, options, _ := strings.Cut(f.Tag.Get("json"), ","); !strings.Contains(options, "omit") {
			return false
		}
	}
	return true
}

// Query declares a route that reads.
func Query[Out any](pattern string, access Access, handle func(context.Context, Call) (Reply[Out], error)) Route {
	r := declare[Out](pattern, access)
	r.Serve = func(ctx context.Context, c Call, _ []byte) (Response, error) {
		reply, err := handle(ctx, c)
		return reply.response(), err
	}
	return r
}

func declare[Out any](pattern string, access Access) Route {
	method, path, _ := strings.Cut(pattern, " ")
	r := Route{Method: method, Path: path, Access: access, Statuses: []int{http.StatusNoContent}}
	if out := reflect.TypeFor[Out](); out.Kind() != reflect.Struct || out.NumField() > 0 {
		r.Out, r.Statuses = out, []int{http.StatusOK}
	}
	return r
}

// Reply is a handler's answer to a request that went well.
type Reply[Out any] struct {
	Body     Out
	Status   int           // 0: 200
	Version  es.Version    // of the object, for the ETag; 0: none
	Location string        // of what was created
	Replay   bool          // the command had been carried out by an earlier request
	Waited   time.Duration // how long the outcome was waited for, at most; 0: not at all
	Fresh    time.Duration // how long anybody may keep the answer; 0: not at all
}

// Response is a [Reply] whose body's type has been forgotten.
type Response struct {
	Body     any // nil: none
	Status   int
	Version  es.Version
	Location string
	Replay   bool
	Waited   time.Duration
	Fresh    time.Duration
}

func (r Reply[Out]) response() Response {
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	out := Response{Status: r.Status, Version: r.Version, Location: r.Location, Replay: r.Replay, Waited: r.Waited, Fresh: r.Fresh}
	if out.Status != http.StatusNoContent && reflect.TypeFor[Out]() != reflect.TypeFor[struct{}]() {
		out.Body = r.Body
	}
	return out
}

// HTML is a body that is a page for people, and no JSON.
type HTML string

// Changed is the body that answers most commands.
type Changed struct {
	ID      string     `json:"id"`
	Version es.Version `json:"version"`
}

// Accepted answers a command that changed an object.
func Accepted(r es.Result) Reply[Changed] {
	return Reply[Changed]{Body: Changed{r.Stream.ID(), r.Version}, Version: r.Version, Replay: r.Replay}
}

// Created answers a command that made an object, which is at collection/id from now on.
func Created(r es.Result, collection string) Reply[Changed] {
	reply := Accepted(r)
	reply.Status, reply.Location = http.StatusCreated, collection+"/"+r.Stream.ID()
	return reply
}

// Match finds the route for a request as API Gateway does: of those with its method the one that
// matches the path with the most fixed segments; the zero Route if there is none.
func Match(routes []Route, method, path string) (route Route, params map[string]string) {
	best := -1
	for _, r := range routes {
		if p, fixed, ok := match(r.Path, path); ok && r.Method == method && fixed > best {
			route, params, best = r, p, fixed
		}
	}
	return route, params
}

// Allowed lists the methods of a path, sorted: those of the routes that match it with the most
// fixed segments. /users/me has those that are declared for it, and not those of /users/{id}.
func Allowed(routes []Route, path string) (methods []string) {
	most := 0
	for _, r := range routes {
		_, fixed, ok := match(r.Path, path)
		if !ok || fixed < most {
			continue
		}
		if fixed > most {
			methods, most = nil, fixed
		}
		methods = append(methods, r.Method)
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

func match(pattern, path string) (params map[string]string, fixed int, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, 0, false
	}
	params = map[string]string{}
	for i, w := range want {
		name, isParam := strings.CutPrefix(w, "{")
		switch {
		case isParam && got[i] != "":
			params[strings.TrimSuffix(name, "}")] = got[i]
		case w == got[i]:
			fixed++
		default:
			return nil, 0, false
		}
	}
	return params, fixed, true
}
