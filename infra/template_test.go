package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// template is the part of a CloudFormation template that these tests read.
type template struct {
	Resources map[string]*resource
	Outputs   map[string]struct{ Value any }
}

type resource struct {
	id                                  string
	Type                                string
	Properties                          map[string]any
	DeletionPolicy, UpdateReplacePolicy string
	DependsOn                           []string
}

// all lists the resources of a type, in the order of their ids.
func (t template) all(kind string) []*resource {
	var out []*resource
	for _, r := range t.Resources {
		if r.Type == kind {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *resource) int { return strings.Compare(a.id, b.id) })
	return out
}

// named finds the resource of a type that is deployed under a name.
func (t template) named(tb testing.TB, kind, property, name string) *resource {
	tb.Helper()
	for _, r := range t.all(kind) {
		if r.at(property) == name {
			return r
		}
	}
	tb.Fatalf("the template has no %s with the %s %s", kind, property, name)
	return nil
}

// only finds a resource that the template has one of.
func (t template) only(tb testing.TB, kind string) *resource {
	tb.Helper()
	found := t.all(kind)
	if len(found) != 1 {
		tb.Fatalf("the template has %d of %s, want 1", len(found), kind)
	}
	return found[0]
}

func (r *resource) ref() string { return "${" + r.id + "}" }
func (r *resource) arn() string { return "${" + r.id + ".Arn}" }

// at is a property as text; "" if there is none.
func (r *resource) at(path ...string) string { return at(r.Properties, path...) }

func (r *resource) expect(tb testing.TB, want string, path ...string) {
	tb.Helper()
	if got := r.at(path...); got != want {
		tb.Errorf("%s: %s is %q, want %q", r.id, strings.Join(path, "."), got, want)
	}
}

// expectRemoval looks at both ways in which CloudFormation removes what it has made.
func (r *resource) expectRemoval(tb testing.TB, want string) {
	tb.Helper()
	if r.DeletionPolicy != want || r.UpdateReplacePolicy != want {
		tb.Errorf("%s: removal is %q and replacement is %q, want %q", r.id, r.DeletionPolicy, r.UpdateReplacePolicy, want)
	}
}

// statements finds the statements of every policy document anywhere inside a value.
func statements(v any) []map[string]any {
	var out []map[string]any
	switch v := v.(type) {
	case []any:
		for _, member := range v {
			out = append(out, statements(member)...)
		}
	case map[string]any:
		for key, member := range v {
			if key == "Statement" {
				for _, s := range list(member) {
					out = append(out, s.(map[string]any))
				}
			} else {
				out = append(out, statements(member)...)
			}
		}
	}
	return out
}

// list is a value as a list, because templates may have a single member without one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func texts(v any) []string {
	var out []string
	for _, member := range list(v) {
		out = append(out, text(member))
	}
	return out
}

// at is the text of what a path of names leads to; "" if it leads nowhere.
func at(v any, path ...string) string {
	for _, name := range path {
		if i, err := strconv.Atoi(name); err == nil {
			if l := list(v); i < len(l) {
				v = l[i]
				continue
			}
		}
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return text(v)
}

// text writes a value on one line, and references like those of Fn::Sub: ${Id.Arn}.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		return "[" + strings.Join(texts(v), " ") + "]"
	case map[string]any:
		if len(v) == 1 {
			if ref, ok := v["Ref"]; ok {
				return "${" + text(ref) + "}"
			}
			if attribute, ok := v["Fn::GetAtt"]; ok {
				return "${" + strings.Join(texts(attribute), ".") + "}"
			}
			if join, ok := v["Fn::Join"].([]any); ok {
				return strings.Join(texts(join[1]), text(join[0]))
			}
			if sub, ok := v["Fn::Sub"].(string); ok {
				return sub
			}
		}
		var fields []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			fields = append(fields, key+"="+text(v[key]))
		}
		return "{" + strings.Join(fields, " ") + "}"
	}
	return fmt.Sprint(v)
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// put keeps one of two things with the same name from hiding the other.
func put[V any](tb testing.TB, into map[string]V, name string, v V) {
	tb.Helper()
	if _, taken := into[name]; taken {
		tb.Errorf("there are two of %s", name)
	}
	into[name] = v
}

// same compares in both directions: what is missing, what is too much, what differs.
func same[V any](tb testing.TB, kind string, got, want map[string]V) {
	tb.Helper()
	for name := range want {
		if _, ok := got[name]; !ok {
			tb.Errorf("%s %s is missing", kind, name)
		}
	}
	for name, g := range got {
		if w, ok := want[name]; !ok {
			tb.Errorf("%s %s is not in the topology", kind, name)
		} else if !reflect.DeepEqual(g, w) {
			tb.Errorf("%s %s is\n\t%+v, want\n\t%+v", kind, name, g, w)
		}
	}
}
