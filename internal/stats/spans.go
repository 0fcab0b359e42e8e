package stats

import (
	"cmp"
	"io"
	"strings"

	"github.com/interview-sandbox/annals/internal/trace"
)

// Context is the trace context of the invocation: that of its request, or the first one of a
// new trace.
func (r *Record) Context(rand io.Reader) (c trace.Context) {
	r.note(func() { c = r.request.Context })
	if c == (trace.Context{}) {
		return trace.Begin(c, r.Traced(), rand)
	}
	return c
}

// Spans gives the spans of an invocation of a function, none if whoever began its trace does
// not want them: one for all of it, with links to the commands that led to it, and one for
// each call to another service. Names and attributes are those of OpenTelemetry's semantic
// conventions 1, where it has any.
func (r *Record) Spans(function string, run Run, rand io.Reader) (all []trace.Span) {
	if !run.Context.Sampled {
		return nil
	}
	r.note(func() {
		s := trace.Span{
			Context: run.Context, Parent: r.request.Parent.Span, State: r.request.State, Kind: trace.Consumer, Name: function,
			Begun: run.Begun, Ended: run.Ended, Failed: len(r.failures) > 0,
		}
		say := func(name string, value any) {
			s.Attributes = append(s.Attributes, trace.Attribute{Name: name, Value: value})
		}
		if r.isRequest() {
			s.Kind, s.Name = trace.Server, r.request.Route
			if method, route, known := strings.Cut(r.request.Route, " "); known {
				say("http.request.method", method)
				say("http.route", route)
			}
			say("http.response.status_code", r.status)
			say("annals.correlation_id", r.request.CorrelationID)
		} else {
			say("messaging.batch.message_count", r.items)
		}
		if r.commits > 0 {
			say("annals.stream", r.stored.Stream)
			say("annals.version", int(r.stored.Version))
		}
		if s.Failed {
			say("error.type", cmp.Or(r.problem, "failed"))
		}
		say("faas.coldstart", run.Cold)
		for _, c := range r.causes {
			if c.Context != (trace.Context{}) {
				s.Links = append(s.Links, c.Context)
			}
		}
		all = append(all, s)
		for _, call := range r.calls {
			call.Context, call.Parent = trace.Begin(run.Context, true, rand), run.Context.Span
			all = append(all, call)
		}
	})
	return all
}
