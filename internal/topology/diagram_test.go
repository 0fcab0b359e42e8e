package topology

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the diagram in README.md")

const (
	readme = "../../README.md"
	begin  = "```mermaid\n"
	end    = "```\n"
)

func TestTheReadmeShowsTheTopology(t *testing.T) {
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("README.md has no diagram")
	}
	want := before + begin + diagram() + end + after
	if *update {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(page) != want {
		t.Error("the diagram in README.md is not that of the topology: go test ./internal/topology -update draws it anew")
	}
}

// diagram draws what calls and what reads and writes what, as a Mermaid flowchart.
func diagram() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "    "+format+"\n", args...) }
	fmt.Fprintln(&b, "flowchart LR")
	line("client([client]) -->|HTTPS| api[API Gateway]")
	line("api -.->|who is it?| %s", Authorizer)
	routed := map[string]int{}
	for _, r := range Routes() {
		routed[r.Function]++
	}
	for _, f := range Functions() {
		if n := routed[f.Name]; n > 0 {
			line("api -->|%d routes| %s", n, f.Name)
		}
	}
	for _, e := range EventSources() {
		line("%s ==>|stream| %s", e.Table, e.Function)
	}
	for _, q := range Queues() {
		line("%s ==>|queue| %s", q.ID, q.Function)
	}
	line("client -->|form| Files")
	for _, b := range Buckets() {
		line("%s ==>|notification| %s", b.ID, b.Queue)
	}
	for _, s := range Schedules() {
		line("schedule([schedule]) -->|every %v min| %s", s.Every.Minutes(), s.Function)
	}
	for _, r := range Rules() {
		line("%s([%s]) -->|%s| %s", r.Source, r.Source, strings.Join(r.DetailTypes, ", "), r.Function)
	}
	line("admin([AWS account]) -.->|by hand| %s", Bootstrap)
	for _, f := range Functions() {
		if f.Mails {
			line("%s -->|mails| aws.ses", f.Name)
		}
		for _, id := range f.Sends {
			line("%s -->|sends| %s", f.Name, id)
		}
		for _, g := range f.Grants {
			if inPicture(g.Table) {
				line("%s -->|%s| %s", f.Name, purpose(g.Actions), g.Table)
			}
		}
	}
	for _, t := range Tables() {
		if inPicture(t.ID) {
			line("%s[(%s)]", t.ID, t.Name("annals"))
		}
	}
	for _, b := range Buckets() {
		line("%s[(%s)]", b.ID, b.Name("annals"))
	}
	for _, q := range Queues() {
		line("%s[/%s/]", q.ID, q.Name("annals"))
	}
	for _, f := range Functions() {
		line("%s[[%s]]", f.Name, f.Name)
	}
	return b.String()
}

// inPicture leaves out the tables for bookkeeping, which infra/README.md lists: with all that
// keeps them, nobody would find the way from a request to a view.
func inPicture(table string) bool {
	return table == "Events" || table == "Views" || table == "Deadlines"
}

func purpose(actions []string) string {
	reads := slices.ContainsFunc(actions, func(a string) bool { return a == "GetItem" || a == "Query" || a == "Scan" })
	writes := slices.ContainsFunc(actions, func(a string) bool { return a == "PutItem" || a == "UpdateItem" })
	switch {
	case reads && writes:
		return "reads, writes"
	case writes:
		return "writes"
	}
	return "reads"
}
