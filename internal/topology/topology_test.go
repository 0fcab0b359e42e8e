package topology

import (
	"slices"
	"testing"
)

// A misspelt name would otherwise show up as a crash of whatever reads the topology.
func TestEveryNameRefersToSomethingDeclared(t *testing.T) {
	tables, functions := map[string]Table{}, map[string]bool{}
	for _, table := range Tables() {
		if _, twice := tables[table.ID]; twice {
			t.Errorf("table %s is declared twice", table.ID)
		}
		tables[table.ID] = table
	}
	for _, f := range Functions() {
		if functions[f.Name] {
			t.Errorf("function %s is declared twice", f.Name)
		}
		functions[f.Name] = true
		for _, g := range f.Grants {
			if tables[g.Table].ID == "" {
				t.Errorf("function %s has a grant on the unknown table %s", f.Name, g.Table)
			}
		}
	}
	keys := map[string]bool{}
	for _, r := range append(Routes(), Route{Path: "$default", Function: DefaultRoute}, Route{Path: "the authorizer", Function: Authorizer}) {
		if !functions[r.Function] {
			t.Errorf("%s goes to the unknown function %s", r.Key(), r.Function)
		}
		if keys[r.Key()] {
			t.Errorf("route %s is declared twice", r.Key())
		}
		keys[r.Key()] = true
	}
	for _, e := range EventSources() {
		if !functions[e.Function] || !tables[e.Table].Stream {
			t.Errorf("function %s reads the stream of table %s, one of which does not exist", e.Function, e.Table)
		}
	}
}

// DynamoDB throttles a shard of a stream that has more than two readers.
func TestNoStreamHasMoreThanTwoReaders(t *testing.T) {
	readers := map[string][]string{}
	for _, e := range EventSources() {
		if slices.Contains(readers[e.Table], e.Function) {
			t.Errorf("%s reads the stream of %s twice", e.Function, e.Table)
		}
		readers[e.Table] = append(readers[e.Table], e.Function)
	}
	for table, functions := range readers {
		if len(functions) > 2 {
			t.Errorf("the stream of %s has the readers %v", table, functions)
		}
	}
}
