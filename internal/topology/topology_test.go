package topology

import (
	"slices"
	"strings"
	"testing"
	"time"
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
	queues := map[string]bool{}
	for _, q := range Queues() {
		if !functions[q.Function] || queues[q.ID] {
			t.Errorf("the queue %s is there twice, or goes to the unknown function %s", q.ID, q.Function)
		}
		queues[q.ID] = true
	}
	for _, f := range Functions() {
		for _, id := range f.Sends {
			if !queues[id] {
				t.Errorf("function %s sends to the unknown queue %s", f.Name, id)
			}
		}
	}
	buckets := map[string]bool{}
	for _, b := range Buckets() {
		if !queues[b.Queue] || buckets[b.ID] {
			t.Errorf("the bucket %s is there twice, or tells the unknown queue %s", b.ID, b.Queue)
		}
		buckets[b.ID] = true
	}
	for _, f := range Functions() {
		for _, g := range f.Objects {
			if !buckets[g.Bucket] {
				t.Errorf("function %s has a grant on the unknown bucket %s", f.Name, g.Bucket)
			}
		}
	}
	for _, e := range EventSources() {
		if !functions[e.Function] || !tables[e.Table].Stream {
			t.Errorf("function %s reads the stream of table %s, one of which does not exist", e.Function, e.Table)
		}
	}
	for _, s := range Schedules() {
		if !functions[s.Function] {
			t.Errorf("the unknown function %s is on a schedule", s.Function)
		}
	}
	for _, r := range Rules() {
		if !functions[r.Function] || len(r.DetailTypes) == 0 {
			t.Errorf("the rule for %s is without events, or for the unknown function %s", r.Source, r.Function)
		}
	}
}

func TestARunOnAScheduleEndsBeforeTheNext(t *testing.T) {
	for _, s := range Schedules() {
		for _, f := range Functions() {
			if f.Name == s.Function && f.Timeout >= s.Every {
				t.Errorf("%s may run for %v and is run every %v", f.Name, f.Timeout, s.Every)
			}
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

// A purge of views waits longer than any function that writes to them takes; and a message
// that comes up while a function is at it would be done twice.
func TestNoFunctionRunsTooLong(t *testing.T) {
	timeouts := map[string]time.Duration{}
	for _, f := range Functions() {
		if timeouts[f.Name] = f.Timeout; f.Timeout > 5*time.Minute {
			t.Errorf("function %s may run for %v, and projection.settle counts on five minutes", f.Name, f.Timeout)
		}
	}
	for _, q := range Queues() {
		if q.Visibility < timeouts[q.Function] || q.Receives < 1 || q.Receives > 1000 {
			t.Errorf("queue %s: a message comes up again after %v, the function takes %v; %d receives", q.ID, q.Visibility, timeouts[q.Function], q.Receives)
		}
	}
}

func TestOnlyTheFunctionThatRebuildsViewsDeletesFromThem(t *testing.T) {
	for _, f := range Functions() {
		for _, g := range f.Grants {
			deletes := slices.Contains(g.Actions, "DeleteItem") || slices.Contains(g.Actions, "BatchWriteItem")
			if g.Table == "Views" && deletes && f.Name != "rebuild" {
				t.Errorf("%s may delete from Views", f.Name)
			}
		}
	}
}

func TestEveryRouteSaysWhatItDoes(t *testing.T) {
	for _, r := range API() {
		if !strings.HasSuffix(r.Summary, ".") {
			t.Errorf("%s does not say in a sentence what it does: Does is missing", r.Key())
		}
	}
}

func TestAFunctionMayCountWhatItsRoutesLimit(t *testing.T) {
	functions, limits := map[string]Function{}, map[string]bool{}
	for _, f := range Functions() {
		functions[f.Name] = f
	}
	for _, r := range API() {
		limits[r.Key()] = r.Limit.Most > 0
	}
	for _, r := range Routes() {
		counts := slices.ContainsFunc(functions[r.Function].Grants, func(g Grant) bool {
			return g.Table == "Tries" && slices.Contains(g.Actions, "UpdateItem")
		})
		if limits[r.Key()] && !counts {
			t.Errorf("%s has a limit, and %s may not count", r.Key(), r.Function)
		}
	}
}
