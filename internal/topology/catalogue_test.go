package topology

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/interview-sandbox/annals/events"
	"github.com/interview-sandbox/annals/internal/comments"
	"github.com/interview-sandbox/annals/internal/es"
	"github.com/interview-sandbox/annals/internal/projection"
)

const catalogueFile = "../../events/README.md"

func TestTheCatalogueOfEventsIsThatOfTheModules(t *testing.T) {
	want := newCatalogue(t).String()
	if *update {
		if err := os.WriteFile(catalogueFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page, err := os.ReadFile(catalogueFile); err != nil || string(page) != want {
		t.Errorf("events/README.md is not that of the modules (%v): go test ./internal/topology -update writes it anew", err)
	}
}

// catalogue is what there is to be told about events.
type catalogue struct {
	strings.Builder
	source     *comments.Source
	examples   []events.Event          // of the newest version of every event
	versions   map[string][]string     // by name without a version
	categories map[string]reflect.Type // the interface of the events on streams of a category
	snapshots  map[string]bool         // categories
	views      []reflect.Value         // *projection.View[R] and *projection.Tally[R]
	reactors   []reflect.Value         // *projection.Reactor[S]
}

func newCatalogue(t *testing.T) *catalogue {
	c := &catalogue{
		source:   &comments.Source{Root: "../..", Module: "github.com/interview-sandbox/annals"},
		versions: map[string][]string{}, categories: map[string]reflect.Type{}, snapshots: map[string]bool{},
	}
	for _, name := range events.Types() {
		data, err := os.ReadFile(filepath.Join("../../events/testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Decode(name, data)
		if err != nil {
			t.Fatal(err)
		}
		base, version, _ := cutVersion(name)
		if c.versions[base] = append(c.versions[base], version); e.EventType() == name {
			c.examples = append(c.examples, e)
		}
	}
	folders := projection.Aggregates()
	for _, m := range modules() {
		all := m.module.(interface {
			Projections() []projection.Projection
			Aggregates() []es.Folder
		})
		folders = append(folders, all.Aggregates()...)
		for _, p := range append(all.Projections(), m.Reactors()...) {
			c.add(p)
		}
	}
	for _, f := range folders {
		aggregate := reflect.ValueOf(f).Elem()
		coupled := aggregate.FieldByName("Coupled").Type()
		c.categories[aggregate.FieldByName("Category").String()] = coupled.In(1).Elem()
	}
	c.write()
	return c
}

func (c *catalogue) add(p projection.Projection) {
	v := reflect.ValueOf(p)
	if kept, ok := p.(interface{ Category() string }); ok {
		c.snapshots[kept.Category()] = true
		return
	}
	if v.Elem().FieldByName("Triggers").IsValid() {
		c.reactors = append(c.reactors, v.Elem())
		return
	}
	c.views = append(c.views, v.Elem())
}

func (c *catalogue) line(format string, args ...any) { fmt.Fprintf(c, format+"\n", args...) }

func (c *catalogue) write() {
	c.line(`# The events

Everything that has ever happened, and can be replayed, is one of these. This page is generated from
their types and from what this folder says about them; which views show an event and which reactors
act on it was found out by giving each an example. ` + "`make generate`" + ` writes it anew.

| event | views that show it | reactors that act on it |
| --- | --- | --- |`)
	for _, category := range slices.Sorted(maps.Keys(c.categories)) {
		for _, e := range c.of(category) {
			name := e.EventType()
			c.line("| [`%s`](#%s) | %s | %s |", name, strings.NewReplacer(".", "").Replace(name), strings.Join(c.shows(category, e), ", "), strings.Join(c.acts(category, e), "<br>"))
		}
	}
	c.line(`
Fields marked *personal* or *secret* are sealed with the key of the person whose id the stream has, or the
field marked *subject*; secret ones are never shown to anybody. What a reactor does is a command on a stream, in the form
` + "`Command` on category" + `, a call to somebody outside, or a *deadline* with what may follow when it has come; of an event with other values, something
else may follow, or nothing.`)
	for _, category := range slices.Sorted(maps.Keys(c.categories)) {
		kept := ""
		if c.snapshots[category] {
			kept = " Snapshots are kept of what they add up to."
		}
		c.line("\n## %s\n\nOn streams `%s#<id>`.%s", category, category, kept)
		for _, e := range c.of(category) {
			c.event(e)
		}
	}
}

// of lists the events on streams of a category.
func (c *catalogue) of(category string) (all []events.Event) {
	for _, e := range c.examples {
		if reflect.TypeOf(e).Implements(c.categories[category]) {
			all = append(all, e)
		}
	}
	return all
}

func (c *catalogue) event(e events.Event) {
	t := reflect.TypeOf(e)
	c.line("\n### %s\n\n%s", e.EventType(), c.source.Type(t))
	base, newest, _ := cutVersion(e.EventType())
	if old := slices.DeleteFunc(slices.Clone(c.versions[base]), func(v string) bool { return v == newest }); len(old) > 0 {
		c.line("Earlier versions, which are still read: %s.", strings.Join(old, ", "))
	}
	if t.NumField() == 0 {
		return
	}
	c.line("\n| field | type | mark | |\n| --- | --- | --- | --- |")
	for f := range t.Fields() {
		c.line("| `%s` | %s | %s | %s |", f.Tag.Get("json"), strings.NewReplacer("[]uint8", "bytes", "time.Time", "time").Replace(f.Type.String()), f.Tag.Get("data"), strings.ReplaceAll(c.source.Field(t, f.Name), "|", `\|`))
	}
}

// nothing is an event that no view knows.
type nothing struct{}

func (nothing) EventType() string { return "nothing.v1" }

// moment is when examples happen.
var moment = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func example(category string, e events.Event) reflect.Value {
	return reflect.ValueOf(es.Recorded{Event: e, Stream: es.NewStream(category, "0197a0f0-0000-7000-8000-000000000001"), Version: 2, At: moment})
}

// states are what a fold of a category's events may have come to: nothing, or one of each.
func (c *catalogue) states(category string, apply reflect.Value) []reflect.Value {
	none := reflect.Zero(apply.Type().In(0))
	all := []reflect.Value{none}
	for _, e := range c.of(category) {
		all = append(all, apply.Call([]reflect.Value{none, example(category, e)})[0])
	}
	return all
}

// shows lists the views with rows that another event at the same time would have left otherwise.
func (c *catalogue) shows(category string, e events.Event) (names []string) {
	for _, v := range c.views {
		apply := v.FieldByName("Apply")
		if v.FieldByName("Category").String() != category {
			continue
		}
		if slices.ContainsFunc(c.states(category, apply), func(row reflect.Value) bool {
			with := apply.Call([]reflect.Value{row, example(category, e)})[0].Interface()
			without := apply.Call([]reflect.Value{row, example(category, nothing{})})[0].Interface()
			return !reflect.DeepEqual(with, without)
		}) {
			names = append(names, v.FieldByName("Name").String())
		}
	}
	return names
}

// acts lists the reactors that an event triggers, with what each leads to.
func (c *catalogue) acts(category string, e events.Event) (all []string) {
	base, _, _ := cutVersion(e.EventType())
	for _, r := range c.reactors {
		triggers := r.FieldByName("Triggers").Interface().([]projection.Trigger)
		if r.FieldByName("Category").String() != category || !slices.ContainsFunc(triggers, func(t projection.Trigger) bool {
			other, _, _ := cutVersion(t.Event.EventType())
			return other == base
		}) {
			continue
		}
		reactions := r.FieldByName("React").Call([]reflect.Value{example(category, e)})[0].Interface().([]projection.Reaction)
		what := c.name(r, category, reactions)
		all = append(all, fmt.Sprintf("%s: %s", r.FieldByName("Name"), cmp.Or(strings.Join(what, ", "), "nothing, if it is like the example")))
	}
	return all
}

// name says what reactions are.
func (c *catalogue) name(r reflect.Value, category string, reactions []projection.Reaction) (all []string) {
	for _, reaction := range reactions {
		switch {
		case reaction.Command != nil:
			step := reflect.ValueOf(reaction.Command)
			all = append(all, fmt.Sprintf("`%s` on %s", step.FieldByName("command").Elem().Type().Name(), step.FieldByName("aggregate").Elem().FieldByName("Category")))
		case reaction.Effect != nil:
			all = append(all, fmt.Sprintf("calls `%s`", effectName(reflect.Indirect(reflect.ValueOf(reaction.Effect)))))
		case reaction.Deadline != nil:
			d := *reaction.Deadline
			d.Stream = es.NewStream(category, "0197a0f0-0000-7000-8000-000000000001")
			after := ""
			if then := c.due(r, category, d); len(then) > 0 {
				after = ", then " + strings.Join(then, ", ")
			}
			all = append(all, fmt.Sprintf("*%s* after %s%s", d.Name, inWords(d.At.Sub(moment)), after))
		}
	}
	return all
}

// effectName is the type of an effect, or of what it embeds that tells which call it is.
func effectName(effect reflect.Value) string {
	for f, v := range effect.Fields() {
		if f.Anonymous && v.Kind() == reflect.Interface {
			return v.Elem().Type().Name()
		}
	}
	return effect.Type().Name()
}

// inWords is a duration without zeros at its end: "72h", "2m".
func inWords(d time.Duration) string {
	return strings.NewReplacer("m0s", "m", "h0m", "h").Replace(strings.Replace(d.String(), "h0m0s", "h", 1))
}

// due lists what may follow when a deadline has come.
func (c *catalogue) due(r reflect.Value, category string, d projection.Deadline) (all []string) {
	for _, state := range c.states(category, r.FieldByName("Apply")) {
		reactions := r.FieldByName("Due").Call([]reflect.Value{reflect.ValueOf(d), state})[0].Interface().([]projection.Reaction)
		for _, what := range c.name(r, category, slices.DeleteFunc(reactions, func(r projection.Reaction) bool { return r.Deadline != nil })) {
			if !slices.Contains(all, what) {
				all = append(all, what)
			}
		}
	}
	return all
}

// cutVersion splits "user.created.v1" into "user.created" and "v1".
func cutVersion(name string) (base, version string, ok bool) {
	i := strings.LastIndex(name, ".")
	return name[:i], name[i+1:], i > 0
}
